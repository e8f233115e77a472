"""The command line, run as the process that it is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from soundalike.db import advisory_locks, index_versions
from soundalike.indexer.worker import BUILDER_LOCK
from soundalike.settings import EX_CONFIG
from soundalike.storage.object_store import s3_client
from soundalike.testing.wait import eventually, scale

from .conftest import MODEL, AddTracks

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from pathlib import Path

    from soundalike.db.database import Pool
    from soundalike.indexer.settings import IndexerSettings


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "soundalike.indexer",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome_of(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), scale(120))
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def environment(
    aws_environment: object, settings: IndexerSettings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    bucket = f"indexer-{uuid4().hex}"
    monkeypatch.setenv("S3_BUCKET", bucket)
    monkeypatch.setenv("INDEX_SETTLE_S", "0")
    monkeypatch.setenv("INDEX_WORK_DIR", str(settings.index_work_dir))
    local_settings = settings.model_copy(update={"aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"]})
    s3_client(local_settings).create_bucket(Bucket=bucket)


async def test_build_prints_what_it_published(environment: None, pool: Pool, add_tracks: AddTracks) -> None:
    await add_tracks(range(40))
    code, out, err = await outcome_of(await start("build"))
    assert code == 0, err
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert out == f"{published.version}  40 tracks  recall@10 1.000\n"


async def test_build_waits_for_a_running_build(environment: None, pool: Pool, add_tracks: AddTracks) -> None:
    await add_tracks(range(40))
    async with pool.acquire() as other:
        assert await advisory_locks.try_lock(other, BUILDER_LOCK)
        process = await start("build")
        assert process.stderr is not None
        async with asyncio.timeout(scale(60)):
            while b"another indexer is building" not in await process.stderr.readline():
                assert process.returncode is None
        await add_tracks(range(40, 45))
        await advisory_locks.unlock(other, BUILDER_LOCK)
    code, out, err = await outcome_of(process)
    assert code == 0, err
    assert " 45 tracks " in out


# Eleven programs start one after the other, each of them with libraries that take seconds to load beside other work.
@pytest.mark.timeout(900)
async def test_versions_are_built_listed_published_and_rolled_back(
    environment: None, pool: Pool, add_tracks: AddTracks
) -> None:
    code, out, err = await outcome_of(await start("list"))
    assert (code, out) == (1, "")
    assert "nothing to show: no model is registered yet" in err
    await add_tracks(range(3))
    assert (await outcome_of(await start("build")))[0] == 0
    await add_tracks(range(3, 40))
    code, out, err = await outcome_of(await start("build", "--no-publish"))
    assert code == 0, err
    newest = out.split()[0]
    _, out, _ = await outcome_of(await start("list"))
    header, second, first = out.splitlines()
    assert header.split()[:3] == ["version", "state", "tracks"]
    assert second.split()[:3] == [newest, "built", "40"]
    assert first.split()[1:3] == ["published", "3"]
    assert second.endswith("never")
    code, out, _ = await outcome_of(await start("publish"))
    assert (code, out) == (0, f"{newest} is published. Automatic builds continue.\n")
    code, out, _ = await outcome_of(await start("rollback"))
    assert code == 0
    assert out.startswith(f"{first.split()[0]} is published and pinned: automatic builds are paused.")
    assert "published, pinned" in (await outcome_of(await start("list")))[1]
    code, out, err = await outcome_of(await start("rollback"))
    assert (code, out) == (1, "")
    assert "nothing was changed: there is no older version" in err
    code, _, err = await outcome_of(await start("publish", "nonsense"))
    assert code == 1
    assert "there is no version nonsense" in err


async def test_a_killed_build_is_continued_by_the_next(
    environment: None, pool: Pool, add_tracks: AddTracks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INDEX_TREES", "1000")
    await add_tracks(range(400))
    process = await start("build")

    def vectors_are_written() -> bool:
        assert process.returncode is None
        return any((tmp_path / "work").glob("*/version/vectors.npy"))

    await eventually(vectors_are_written, interval_s=0.005)
    process.kill()
    await process.wait()
    (folder,) = (tmp_path / "work").iterdir()
    assert (folder / "plan.json").exists()
    code, out, err = await outcome_of(await start("build"))
    assert code == 0, err
    assert "continuing the build of 400 vectors" in err
    assert " 400 tracks " in out
    assert [path.name for path in folder.iterdir()] == ["lock"]


async def test_build_of_nothing_fails_with_a_reason(environment: None, pool: Pool) -> None:
    code, out, err = await outcome_of(await start("build"))
    assert (code, out) == (1, "")
    assert "no version was published: no model is registered yet" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("signal_sent", "expected"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_run_publishes_until_it_is_stopped(
    environment: None, pool: Pool, add_tracks: AddTracks, signal_sent: signal.Signals, expected: int
) -> None:
    await add_tracks(range(3))
    process = await start("run")

    async def version_is_published() -> bool:
        assert process.returncode is None
        return await index_versions.get_published(pool, MODEL.model) is not None

    try:
        await eventually(version_is_published, interval_s=0.05)
        process.send_signal(signal_sent)
        code, _, err = await outcome_of(process)
    finally:
        if process.returncode is None:
            process.kill()
    assert code == expected, err
    assert "stopped" in err
    assert "Traceback" not in err


async def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "S3_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = await outcome_of(await start("run"))
    assert code == EX_CONFIG
    assert "DATABASE_URL: it is not set" in err
    assert "S3_BUCKET: it is not set" in err


async def test_a_work_folder_that_others_can_write_ends_the_service_with_the_name_of_its_setting(
    environment: None, pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work").chmod(0o777)
    code, _, err = await outcome_of(await start("run"))
    assert code == 78
    assert "INDEX_WORK_DIR: every user can exchange" in err
