from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from soundalike.db import database, losses, tracks
from soundalike.domain.track_id import TrackId
from soundalike.local.data_directory import DataDirectory
from soundalike.local.errors import AlreadyRunning, InvalidSettings, NotRunning, PortInUse, UnusableDataDirectory
from soundalike.local.platform import Platform, Service, _sandbox_environment
from soundalike.local.ports import free_port
from soundalike.local.process import is_alive
from soundalike.local.running_platform import find
from soundalike.provisioning.inspection import Inspector
from soundalike.settings import QueueSettings
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_API = textwrap.dedent("""
    import http.server, os
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()
    http.server.HTTPServer((os.environ["API_HOST"], int(os.environ["API_PORT"])), Handler).serve_forever()
""")

_WORKER = "import os, time; print(os.environ['S3_BUCKET'], os.environ['DATABASE_URL'], flush=True); time.sleep(600)"

_SERVICES = (
    Service("worker", (sys.executable, "-c", _WORKER)),
    Service("api", (sys.executable, "-c", _API), health_path="/healthz"),
)


@pytest.fixture
def data(private_folder: Path) -> DataDirectory:
    return DataDirectory.at(private_folder / "soundalike")


@pytest.fixture
def platform(data: DataDirectory) -> Callable[..., Platform]:
    def make(services: tuple[Service, ...] = _SERVICES, port: int | None = None) -> Platform:
        return Platform(data, port=port or free_port(), services=services)

    return make


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def _rows(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM tracks"))
    finally:
        await connection.close()


async def test_a_platform_starts_can_be_found_and_leaves_nothing_running(
    data: DataDirectory, platform: Callable[..., Platform]
) -> None:
    with pytest.raises(NotRunning, match=r"soundalike up --data .*/soundalike"):
        find(data)
    async with platform().running() as running:
        assert find(data) == running
        assert running.pid == os.getpid()
        async with httpx.AsyncClient(trust_env=False, timeout=scale(60)) as client:
            assert (await client.get(f"{running.api_url}/healthz")).is_success
        assert await _rows(running.environment["DATABASE_URL"]) == 0
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
            async with platform().running():
                pass
        assert find(data) == running
        # Somebody takes it for the lock of a platform that has crashed.
        data.lock_file.unlink()
        assert find(data) == running
        with pytest.raises(AlreadyRunning, match="process unknown"):
            async with platform().running():
                pass
        assert find(data) == running
        for path in (data.secrets_file, data.platform_file, data.lock_file, data.root / "logs" / "worker.log"):
            assert _mode(path) == 0o600, path
        assert _mode(data.root) == 0o700
    with pytest.raises(NotRunning):
        find(data)
    assert json.loads(data.pidfile.read_text(encoding="utf-8")) == []
    assert (data.root / "logs" / "worker.log").read_text(encoding="utf-8").startswith("soundalike postgresql://")


async def test_a_restart_keeps_data_passwords_and_ports(
    data: DataDirectory, platform: Callable[..., Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with platform(port=(port := free_port())).running() as first:
        for name, value in first.environment.items():
            monkeypatch.setenv(name, value)
        client = boto3.Session().client("s3")
        client.put_object(Bucket="soundalike", Key="indexes/kept", Body=b"kept")
        client.close()
    async with platform(port=port).running() as second:
        assert second.environment == first.environment
        client = boto3.Session().client("s3")
        assert client.get_object(Bucket="soundalike", Key="indexes/kept")["Body"].read() == b"kept"
        client.close()


async def test_a_service_with_invalid_settings_stops_the_platform(
    data: DataDirectory, platform: Callable[..., Platform]
) -> None:
    script = "print('CHOI_WEIGHTS: no such file'); raise SystemExit(78)"
    instance = platform(services=(Service("worker", (sys.executable, "-c", script)),))
    with pytest.raises(InvalidSettings, match="CHOI_WEIGHTS: no such file"):
        async with instance.running():
            await instance.watch()
    with pytest.raises(NotRunning):
        find(data)


async def test_without_a_port_one_is_chosen_at_the_start(data: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = free_port()
    monkeypatch.setattr("soundalike.local.platform.API_PORT", usual)
    instance = Platform(data, port=None, services=())
    # Another program takes the usual one after the platform was put together.
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", usual)
    async with instance.running() as running:
        assert not running.api_url.endswith(f":{usual}")
    server.close()
    await server.wait_closed()
    async with Platform(data, port=None, services=()).running() as running:
        assert running.api_url.endswith(f":{usual}")


async def test_a_port_in_use_is_an_error_before_anything_starts(
    data: DataDirectory, platform: Callable[..., Platform]
) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(PortInUse, match=f"Port {port} is in use"):
        async with platform(port=port).running():
            pass
    server.close()
    await server.wait_closed()
    assert not data.postgres.exists()


async def test_a_database_without_its_password_is_an_error(
    data: DataDirectory, platform: Callable[..., Platform]
) -> None:
    (data.postgres / "cluster").mkdir(parents=True)
    with pytest.raises(UnusableDataDirectory, match=r"secrets\.json is missing"):
        async with platform().running():
            pass


async def test_queues_lost_in_a_crash_are_created_again(data: DataDirectory) -> None:
    instance = Platform(data, port=free_port(), services=())
    async with instance.running() as running:
        client = boto3.Session().client(
            "sqs",
            endpoint_url=running.environment["AWS_ENDPOINT_URL"],
            region_name=running.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=running.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=running.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        killed = instance.supervisor.pid("ministack")
        os.kill(killed, signal.SIGKILL)
        await eventually(
            lambda: client.get_queue_url(QueueName="soundalike-previews-dead"),
            "the queue, created again",
            interval_s=0.05,
            retry_on=(BotoCoreError, ClientError),
        )
        client.close()
        assert instance.supervisor.pid("ministack") != killed


async def test_database_and_store_may_die_together_also_while_they_recover(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[str] = []
    instance = Platform(data, port=free_port(), services=(), report=reports.append)
    async with instance.running() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        for deaths in (1, 2, 3):
            for name in ("postgres", "ministack"):
                pid = await eventually(lambda name=name: instance.supervisor.pid(name), retry_on=KeyError)
                os.kill(pid, signal.SIGKILL)
            # From the second time on while provisioning runs, or waits for the database.
            await eventually(
                lambda deaths=deaths: reports.count("preparing the schema, bucket and queues") > deaths,
                f"recovery number {deaths}",
            )
        await eventually(lambda: "ministack runs again" in reports, "the end of the recovery", limit_s=180)
        assert Inspector(QueueSettings()).problems() == {}
        assert await _rows(running.environment["DATABASE_URL"]) == 0


async def test_an_interrupted_start_can_be_repeated(data: DataDirectory) -> None:
    process = await _driver(data)
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 130
    with pytest.raises(NotRunning):
        find(data)
    second_run = await _driver(data)
    await _until_up(second_run)
    second_run.terminate()
    assert await second_run.wait() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_signals_stop_a_platform_in_order(data: DataDirectory, number: signal.Signals, status: int) -> None:
    process = await _driver(data)
    await _until_up(process)
    os.kill(find(data).pid, number)
    assert await process.wait() == status
    with pytest.raises(NotRunning):
        find(data)
    assert "database system is shut down" in (data.root / "logs" / "postgres.log").read_text(encoding="utf-8")


async def test_a_platform_restarts_after_a_kill(data: DataDirectory) -> None:
    process = await _driver(data)
    await _until_up(process)
    process.kill()
    await process.wait()
    with pytest.raises(NotRunning):
        find(data)
    second_run = await _driver(data)
    await _until_up(second_run)
    assert await _rows(find(data).environment["DATABASE_URL"]) == 0
    second_run.terminate()
    assert await second_run.wait() == 0


async def test_a_platform_starts_after_a_power_cut_without_its_objects(data: DataDirectory) -> None:
    process = await _driver(data)
    await _until_up(process)
    url = find(data).environment["DATABASE_URL"]
    await _add_track(url)
    pids = [process.pid, *(entry["pid"] for entry in json.loads(data.pidfile.read_bytes()))]
    # Stopped first, so that none sees the others die and ends in order.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
    await process.wait()
    await eventually(lambda: not any(map(is_alive, pids)))
    sleeper = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - it returns at once
    try:
        # By now other programs have their numbers, and what was being written is half there.
        lock = data.postgres / "cluster" / "postmaster.pid"
        lock.write_text(lock.read_text().replace(lock.read_text().split("\n")[0], str(sleeper.pid), 1))
        entries = json.loads(data.pidfile.read_bytes())
        data.pidfile.write_text(json.dumps([{**entry, "pid": sleeper.pid} for entry in entries]))
        data.lock_file.write_text(f"{sleeper.pid}\n")
        data.platform_file.write_text('{"pid": 1, "api_u')
        data.ports_file.write_text('{"postg')
        shutil.rmtree(data.aws)
        with pytest.raises(NotRunning):
            find(data)
        second_run = await _driver(data)
        await _until_up(second_run)
        assert sleeper.poll() is None
        environment = find(data).environment
        assert await _rows(environment["DATABASE_URL"]) == 1
        assert await _losses(environment["DATABASE_URL"]) == ["bucket", "dead_letter_queue", "notification", "queue"]
        second_run.terminate()
        assert await second_run.wait() == 0
    finally:
        sleeper.kill()
        sleeper.wait()


async def _add_track(url: str) -> None:
    async with database.connect(url, size=1) as pool:
        await tracks.ensure(pool, TrackId("deezer", "1"))


async def _losses(url: str) -> list[str]:
    async with database.connect(url, size=1) as pool:
        return sorted(loss.kind for loss in await losses.recent(pool, timedelta(days=1)))


async def _driver(data: DataDirectory) -> asyncio.subprocess.Process:
    script = textwrap.dedent(f"""
        import pathlib, sys
        from soundalike.local.data_directory import DataDirectory
        from soundalike.local.signals import run_until_signal
        from soundalike.local.platform import Platform, Service
        services = (Service("api", (sys.executable, "-c", {_API!r}), health_path="/healthz"),)
        platform = Platform(
            DataDirectory.at(pathlib.Path({str(data.root)!r})), port={free_port()}, services=services,
            report=lambda line: print(line, flush=True),
        )
        async def up():
            async with platform.running():
                await platform.watch()
            return 0
        sys.exit(run_until_signal(up(), on_further_signal=platform.supervisor.force_stop.set))
    """)
    return await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)


async def _until_up(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"up after"):
            return
    raise AssertionError("the platform ended before it was up")


def test_invented_tracks_have_no_player_of_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGE_EMBEDS", raising=False)
    assert _sandbox_environment("http://127.0.0.1:1")["PAGE_EMBEDS"] == ""
    monkeypatch.setenv("PAGE_EMBEDS", "spotify")
    assert _sandbox_environment("http://127.0.0.1:1")["PAGE_EMBEDS"] == "spotify"
