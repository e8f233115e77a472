"""The real program: its own process, uvicorn, real servers behind it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from soundalike.api.server import MAX_HEAD_BYTES
from soundalike.testing.wait import eventually, scale

from .conftest import Platform, is_ready, recommend, urn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "soundalike.api"], env={**os.environ, **environment}, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("end", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_it_serves_until_a_signal(
    real_platform: Platform,
    database_url: str,
    bucket: str,
    tmp_path: Path,
    unused_tcp_port: int,
    end: signal.Signals,
    status: int,
    workers: str,
) -> None:
    for number in range(12):
        await real_platform.add(number)
    await real_platform.publish()
    await real_platform.add(12)
    environment = {
        "DATABASE_URL": database_url,
        "S3_BUCKET": bucket,
        "API_PORT": str(unused_tcp_port),
        "API_CACHE_DIR": str(tmp_path / "cache"),
        "API_WORKERS": workers,
    }
    log = tmp_path / "api.log"
    with running(environment, log) as process:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{unused_tcp_port}", trust_env=False, timeout=scale(60)
        ) as client:

            async def answers() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return await is_ready(client)
                except httpx.TransportError:
                    return False

            await eventually(answers)
            assert set(await recommend(client, urn(0), 100)) == {urn(number) for number in range(1, 13)}
            specification = (await client.get("/openapi.json")).json()
            assert {"/recommend", "/tracks/{urn}", "/healthz", "/readyz"} <= set(specification["paths"])
        process.send_signal(end)
        assert await asyncio.to_thread(process.wait) == status, log.read_text()
    said = log.read_text()
    assert "Traceback" not in said
    assert database_url not in said


async def test_a_head_without_an_end_is_refused(
    database_url: str, bucket: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    environment = {"DATABASE_URL": database_url, "S3_BUCKET": bucket, "API_PORT": str(unused_tcp_port)}
    with running(environment, tmp_path / "api.log"):
        url = f"http://127.0.0.1:{unused_tcp_port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=scale(60)) as client:

            async def listens() -> bool:
                try:
                    return (await client.get("/healthz")).is_success
                except httpx.TransportError:
                    return False

            await eventually(listens)
            long = await client.get("/healthz?" + "x" * 60_000)
            assert long.headers["content-type"] == "application/problem+json"
        reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1))
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
        writer.close()


def test_the_program_loads_neither_tensorflow_nor_scikit_learn() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import soundalike.api.app, soundalike.api.cli, sys; print(*sys.modules, sep='\\n')"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    heavy = {"tensorflow", "keras", "sklearn", "scipy", "pandas", "librosa"}
    others = {"soundalike.extractor", "soundalike.crawler", "soundalike.indexer"}
    assert (heavy | others).isdisjoint(told)
    assert "soundalike.api.routes" in told
