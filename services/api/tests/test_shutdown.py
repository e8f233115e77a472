"""The real program, told to end while it is asked: no request is lost."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from soundalike.testing.wait import eventually, scale

from .conftest import Platform, urn
from .test_server import running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator
    from pathlib import Path


@asynccontextmanager
async def client_of(process: subprocess.Popen[bytes], port: int, log: Path) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_keepalive_connections=0)
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, limits=limits, timeout=scale(60)) as client:

        async def ready() -> bool:
            assert process.poll() is None, log_text(log)
            return await status(client, "/readyz") == 200

        await eventually(ready)
        yield client


def log_text(log: Path) -> str:
    return log.read_text(encoding="utf-8")


async def status(client: httpx.AsyncClient, path: str) -> int | None:
    try:
        return (await client.get(path)).status_code
    except httpx.TransportError:
        return None


@pytest.fixture
def environment(database_url: str, bucket: str, tmp_path: Path, unused_tcp_port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "S3_BUCKET": bucket,
        "QUEUE_NAME": bucket,
        "API_PORT": str(unused_tcp_port),
        "API_CACHE_DIR": str(tmp_path / "cache"),
        "LOG_FORMAT": "json",
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_requests_from_before_the_signal_are_answered_after_it(
    real_platform: Platform, environment: dict[str, str], unused_tcp_port: int, log: Path, workers: str
) -> None:
    await real_platform.add(0)
    with running({**environment, "API_WORKERS": workers}, log) as process:
        async with client_of(process, unused_tcp_port, log) as client, real_platform.pool.acquire() as connection:
            async with connection.transaction():
                await connection.execute("LOCK TABLE tracks IN ACCESS EXCLUSIVE MODE")
                requests = [asyncio.create_task(client.get(f"/tracks/{urn(0)}")) for _ in range(5)]
                await eventually(lambda: _waiting(real_platform, 5))
                process.send_signal(signal.SIGTERM)
                await eventually(lambda: _refused(client))
                assert not any(request.done() for request in requests)
                assert process.poll() is None
            assert [(await request).status_code for request in requests] == [200] * 5
        assert await asyncio.to_thread(process.wait) == 0, log_text(log)
    assert "Traceback" not in log_text(log)


async def test_a_load_balancer_is_given_time_to_notice(
    real_platform: Platform, environment: dict[str, str], unused_tcp_port: int, log: Path
) -> None:
    await real_platform.add(0)
    with running({**environment, "API_DRAIN_S": "60"}, log) as process:
        async with client_of(process, unused_tcp_port, log) as client:
            process.send_signal(signal.SIGTERM)
            await eventually(lambda: _turned_away(client))
            answer = await client.get(f"/tracks/{urn(0)}")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            assert await status(client, "/healthz") == 200
            assert (await client.get("/readyz")).json()["missing"].keys() == {"process"}
            process.send_signal(signal.SIGTERM)  # whoever is in a hurry sends another
            assert await asyncio.to_thread(process.wait) == 0, log_text(log)
    assert "Traceback" not in log_text(log)


async def _waiting(platform: Platform, count: int) -> bool:
    current: Any = await platform.pool.fetchval("""
        SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE NOT granted AND datname = current_database()
    """)
    return int(current) >= count


async def _refused(client: httpx.AsyncClient) -> bool:
    return await status(client, "/healthz") is None


async def _turned_away(client: httpx.AsyncClient) -> bool:
    return await status(client, "/readyz") == 503


async def test_who_follows_the_status_does_not_hold_up_the_end(
    real_platform: Platform, environment: dict[str, str], unused_tcp_port: int, tmp_path: Path
) -> None:
    await real_platform.add(0)
    log = tmp_path / "api.log"
    with running(environment, log) as process:
        async with client_of(process, unused_tcp_port, log) as client, client.stream("GET", "/status/events") as events:
            lines = events.aiter_lines()
            assert await anext(lines) == "event: status"
            process.send_signal(signal.SIGTERM)
            # Whole: the server ends it, and nobody breaks it off.
            assert [line async for line in lines if line.startswith("event")] == []
        await eventually(lambda: process.poll() is not None)
        assert process.returncode == 0, log_text(log)
    assert "Cancel" not in log_text(log)
    assert "Traceback" not in log_text(log)
