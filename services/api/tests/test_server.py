"""The real program: its own process, uvicorn, real servers behind it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from soundalike.api.http_protocol import MAX_HEAD_BYTES
from soundalike.testing.wait import eventually, scale

from .conftest import Platform, is_ready, recommend, urn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(
    environment: dict[str, str], log: Path, *, max_files: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API, which may open at most `max_files` files and sockets where that is given."""
    command = [sys.executable, "-m", "soundalike.api"]
    if max_files is not None:
        command = ["sh", "-c", f'ulimit -n {max_files} && exec "$@"', "sh", *command]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
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
    output = log.read_text()
    assert "Traceback" not in output
    assert database_url not in output


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


MAX_FILES = 1_024
SILENT = 1_100


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process open more files than the API may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * SILENT + soft), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", id="half a head"),
        pytest.param(
            b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/mpeg\r\nContent-Length: 9999\r\n\r\nx",
            id="half an upload",
        ),
    ],
)
async def test_more_idle_connections_than_it_may_have_files_keep_nobody_out(
    real_platform: Platform,
    database_url: str,
    bucket: str,
    tmp_path: Path,
    unused_tcp_port: int,
    beginning: bytes,
) -> None:
    for number in range(3):
        await real_platform.add(number)
    environment = {"DATABASE_URL": database_url, "S3_BUCKET": bucket, "API_PORT": str(unused_tcp_port)}
    log = tmp_path / "api.log"
    with running(environment, log, max_files=MAX_FILES) as process:
        url = f"http://127.0.0.1:{unused_tcp_port}"
        # Each request is a connection of its own: one from before the attack would prove nothing.
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=scale(60), limits=limits) as client:

            async def knows_all() -> bool:
                assert process.poll() is None, log.read_text()
                return await is_ready(client) and len(await recommend(client, urn(0))) == 2

            await eventually(knows_all, retry_on=httpx.TransportError)
            writers = []
            for _ in range(SILENT):
                _, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
                writer.write(beginning)
                writers.append(writer)
            for _ in range(3):
                assert (await client.get("/healthz")).status_code == 200
                assert len(await recommend(client, urn(0))) == 2
            for writer in writers:
                writer.transport.abort()
    assert "Traceback" not in log.read_text()


def test_the_program_loads_neither_tensorflow_nor_scikit_learn() -> None:
    messages = subprocess.run(
        [sys.executable, "-c", "import soundalike.api.app, soundalike.api.cli, sys; print(*sys.modules, sep='\\n')"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    heavy = {"tensorflow", "keras", "sklearn", "scipy", "pandas", "librosa"}
    others = {"soundalike.extractor", "soundalike.crawler", "soundalike.indexer"}
    assert (heavy | others).isdisjoint(messages)
    assert "soundalike.api.routes" in messages
