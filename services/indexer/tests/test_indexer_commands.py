"""The command line, run as the process that it is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from catalog import versions
from catalog.settings import EX_CONFIG
from catalog.store import s3_client

from .conftest import MODEL, Hear

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from catalog.database import Pool
    from indexer.settings import IndexerSettings


async def started(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "indexer", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def environment(
    aws_environment: object, settings: IndexerSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("S3_BUCKET", "soundalike-indexer-commands")
    monkeypatch.setenv("INDEX_SETTLE_S", "0")
    here = settings.model_copy(update={"aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"]})
    s3_client(here).create_bucket(Bucket="soundalike-indexer-commands")


async def test_build_prints_what_it_published(environment: None, pool: Pool, hear: Hear) -> None:
    await hear(range(40))
    code, out, err = await ended(await started("build"))
    assert code == 0, err
    published = await versions.published(pool, MODEL.model)
    assert published is not None
    assert out == f"{published.version}  40 tracks  recall@10 1.000\n"


async def test_build_of_nothing_fails_with_a_reason(environment: None, pool: Pool) -> None:
    code, out, err = await ended(await started("build"))
    assert (code, out) == (1, "")
    assert "no version was published: no model is registered yet" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_run_publishes_until_it_is_told_to_stop(
    environment: None, pool: Pool, hear: Hear, sent: signal.Signals, expected: int
) -> None:
    await hear(range(3))
    process = await started("run")
    try:
        async with asyncio.timeout(60):
            while await versions.published(pool, MODEL.model) is None:
                assert process.returncode is None
                await asyncio.sleep(0.05)
        process.send_signal(sent)
        code, _, err = await ended(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert code == expected, err
    assert "stopped" in err
    assert "Traceback" not in err


async def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "S3_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = await ended(await started("run"))
    assert code == EX_CONFIG
    assert "DATABASE_URL: it is not set" in err
    assert "S3_BUCKET: it is not set" in err
