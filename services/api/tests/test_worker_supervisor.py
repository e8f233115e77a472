"""Several processes that answer on one port: the real program, its real workers, real connections."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from soundalike.api.server import ShutdownPhase
from soundalike.testing.wait import eventually

from .conftest import Platform, urn
from .test_metrics import named, read
from .test_server import running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Iterable, Mapping

_WORKERS = 2
_ROUTE = "/tracks/{urn:path}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back over a connection."""

    status: int
    headers: str
    body: str


@dataclass(slots=True)
class Caller:
    """One connection that is kept, and therefore always one and the same worker."""

    name: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str) -> Response:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {self.name}\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head)
        assert length, head
        body = (await self.reader.readexactly(int(length[1]))).decode()
        return Response(int(head.split()[1]), head.lower(), body)

    async def begin(self) -> None:
        """Ask for something and never finish asking."""
        self.writer.write(
            b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nContent-Type: audio/mpeg\r\n\r\n"
        )
        await self.writer.drain()


@dataclass(slots=True)
class Service:
    """The running program, as seen from outside: its log and its port."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    callers: list[Caller] = field(default_factory=list)

    async def call(self) -> Caller:
        caller = Caller(uuid4().hex, *await asyncio.open_connection("127.0.0.1", self.port))
        self.callers.append(caller)
        return caller

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def log_lines(self) -> list[dict[str, Any]]:
        lines = self.text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def started(self) -> list[tuple[int, int]]:
        """Return (worker, pid) of all that ever answered."""
        assert self.process.poll() is None, self.text()
        pids = {
            line["worker"]: int(results[1])
            for line in self.log_lines()
            if (results := re.match(r"Started server process \[(\d+)\]", line["message"]))
        }
        return [
            (line["worker"], pids[line["worker"]]) for line in self.log_lines() if "startup complete" in line["message"]
        ]

    def pids(self) -> dict[int, int]:
        return dict(self.started())

    async def all_started(self, count: int = _WORKERS) -> dict[int, int]:
        await eventually(lambda: len(self.started()) >= count)
        return self.pids()

    async def by_worker(self, callers: Iterable[Caller]) -> dict[int, list[Caller]]:
        """Return who is answered by which worker."""
        expected = {caller.name: caller for caller in callers}
        # All at once: a connection that says nothing for a while is closed.
        answers = await asyncio.gather(*(caller.get(f"/tracks/{urn(0)}") for caller in expected.values()))
        assert {answer.status for answer in answers} <= {200, 404, 503}
        results: dict[str, int] = {}

        def all_logged() -> bool:
            results.update({line["request_id"]: line["worker"] for line in self.log_lines() if "request_id" in line})
            return expected.keys() <= results.keys()

        await eventually(all_logged)
        return {worker: [expected[name] for name in expected if results[name] == worker] for worker in range(_WORKERS)}

    async def metrics(self, caller: Caller) -> dict[tuple[str, frozenset[str]], float]:
        answer = await caller.get("/metrics")
        assert answer.status == 200
        return read(answer.body)


@pytest.fixture
def environment(database_url: str, bucket: str, tmp_path: Path, unused_tcp_port: int) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "S3_BUCKET": bucket,
        "API_PORT": str(unused_tcp_port),
        "API_CACHE_DIR": str(tmp_path / "cache"),
        "API_WORKERS": str(_WORKERS),
        # What a killed supervisor leaves behind goes with the test.
        "TMPDIR": str(tmp_path),
        "LOG_FORMAT": "json",
    }


@asynccontextmanager
async def serving(environment: dict[str, str], log: Path) -> AsyncIterator[Service]:
    with running(environment, log) as process:
        service = Service(process, int(environment["API_PORT"]), log)
        try:
            await service.all_started()
            yield service
        finally:
            for caller in service.callers:
                caller.writer.close()
    assert "Traceback" not in service.text()


@pytest.fixture
async def service(platform: Platform, environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Service]:
    await platform.add(0)
    async with serving(environment, tmp_path / "api.log") as opened:
        yield opened


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux deals connections out")
async def test_connections_are_dealt_out(service: Service) -> None:
    # So many that chance alone gives one of two fewer than a fifth once in a million times.
    callers = await asyncio.gather(*(service.call() for _ in range(64)))
    shares = Counter({worker: len(connections) for worker, connections in (await service.by_worker(callers)).items()})
    assert min(shares.values()) >= len(callers) / 5, shares


async def test_a_killed_worker_is_replaced_while_the_others_answer(service: Service) -> None:
    first = service.pids()
    callers = await service.by_worker([await service.call() for _ in range(32)])
    os.kill(first[0], signal.SIGKILL)

    async def replaced() -> bool:
        # Over connections that were there before, and over new ones.
        for caller in (*callers[1], *((await service.call(),) if gone() else ())):
            assert (await caller.get(f"/tracks/{urn(0)}")).status == 200
        return len(service.started()) == _WORKERS + 1

    def gone() -> bool:
        return any("worker 0" in line["message"] and "by SIGKILL" in line["message"] for line in service.log_lines())

    await eventually(replaced)
    now = service.pids()
    assert gone()
    assert now[1] == first[1]
    assert now[0] != first[0]
    answered = await service.by_worker([await service.call() for _ in range(32)])
    assert sys.platform != "linux" or all(answered.values())


async def test_metrics_are_those_of_all_workers(service: Service) -> None:
    answered = _counted("requests_total", "status=200")
    timed = _counted("request_duration_seconds_count")
    cpu = ("process_cpu_seconds_total", frozenset[str]())

    # A connection that is idle for five seconds is closed, so each step opens its own.
    async def new_callers() -> dict[int, list[Caller]]:
        return await service.by_worker([await service.call() for _ in range(32)])

    # A worker counts a request after its last byte is sent, and looks at the catalogue every 15 seconds.
    async def shown_by_all(
        callers: dict[int, list[Caller]], expected: Mapping[tuple[str, frozenset[str]], float]
    ) -> bool:
        samples = [await service.metrics(connections[0]) for connections in callers.values() if connections]
        return all(each.get(name) == value for each in samples for name, value in expected.items())

    callers = await new_callers()
    loaded = ("index_tail_tracks", "index_loaded", "database_up")
    expected = {named(name): 1.0 for name in loaded} | {named("tracks", "state=ready"): 1.0}
    await eventually(lambda: shown_by_all(callers, expected), "every worker has its index and the database")
    before = await service.metrics(callers[0][0])
    callers = await new_callers()
    counters = (answered, timed, _counted("request_duration_seconds_bucket", "le=+Inf"))
    expected |= {counter: before.get(counter, 0) + 32 for counter in counters}
    expected[named("requests_in_progress")] = 1
    await eventually(lambda: shown_by_all(callers, expected), "every worker shows the requests of all")
    if sys.platform == "linux":
        for connections in callers.values():
            samples = await service.metrics(connections[0])
            memory = {labels for name, labels in samples if name == "process_resident_memory_bytes"}
            assert memory == {frozenset({f"worker={each}"}) for each in ("supervisor", "0", "1")}
    callers = await new_callers()
    for caller in (*callers[0][1:3], callers[1][1]):
        await caller.begin()

    async def in_progress_are(count: int) -> bool:
        # The request that asks is in progress too.
        return (await service.metrics(callers[1][0]))[named("requests_in_progress")] == count + 1

    await eventually(lambda: in_progress_are(3), "the requests of both workers are in progress")
    before = await service.metrics(callers[1][0])
    os.kill(service.pids()[0], signal.SIGKILL)
    await eventually(lambda: in_progress_are(1), "only the requests of the live worker are in progress")
    await service.all_started(_WORKERS + 1)
    after = await service.metrics(await service.call())
    for counter in (answered, timed, *((cpu,) if sys.platform == "linux" else ())):
        assert after[counter] >= before[counter]
    replaced = await new_callers()
    expected = {timed: after[timed] + 32}
    await eventually(lambda: shown_by_all(replaced, expected), "the replacement goes on counting")


async def test_every_worker_gives_a_load_balancer_time(
    platform: Platform, environment: dict[str, str], tmp_path: Path
) -> None:
    await platform.add(0)
    async with serving({**environment, "API_DRAIN_S": "60"}, tmp_path / "api.log") as service:
        callers = await service.by_worker([await service.call() for _ in range(32)])
        # A service manager tells every process, and the supervisor tells its workers: that is one signal all the same.
        os.kill(service.pids()[0], signal.SIGTERM)
        service.process.send_signal(signal.SIGTERM)
        for connections in callers.values():

            async def turned_away(waiting: list[Caller] = connections) -> bool:
                answer = await waiting[0].get("/readyz")
                if answer.status != 503 and "connection: close" in answer.headers:
                    # It was on its way when the signal came, and announces that no other follows it.
                    waiting.pop(0)
                return answer.status == 503

            await eventually(turned_away)
            answer = await connections[-1].get(f"/tracks/{urn(0)}")
            assert answer.status == 200
            assert "connection: close" in answer.headers
        assert service.process.poll() is None
        service.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(service.process.wait) == 0, service.text()


async def test_no_worker_outlives_a_killed_supervisor(service: Service) -> None:
    pids = service.pids()
    assert len(pids) == _WORKERS
    service.process.kill()
    await asyncio.to_thread(service.process.wait)
    await eventually(lambda: not any(_lives(pid) for pid in pids.values()))
    with pytest.raises(ConnectionRefusedError):
        await service.call()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_port_that_is_taken_ends_the_service(environment: dict[str, str], tmp_path: Path, workers: str) -> None:
    log = tmp_path / "api.log"
    with (
        socket.create_server(("127.0.0.1", int(environment["API_PORT"]))),
        running({**environment, "API_WORKERS": workers}, log) as process,
    ):
        assert await asyncio.to_thread(process.wait) == 3
    assert f"bind on address ('127.0.0.1', {environment['API_PORT']}): address already in use" in log.read_text()


async def test_a_port_of_another_service_with_workers_is_taken(service: Service, environment: dict[str, str]) -> None:
    log = service.log.with_name("second.log")
    with running(environment, log) as process:
        assert await asyncio.to_thread(process.wait) == 3
    assert "address already in use" in log.read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_what_cannot_start_ends_the_service(environment: dict[str, str], tmp_path: Path, workers: str) -> None:
    log = tmp_path / "api.log"
    unfit = {"API_WORKERS": workers, "AWS_PROFILE": "of-nobody"}
    with running({**environment, **unfit}, log) as process:
        assert await asyncio.to_thread(process.wait) == 3
    assert log.read_text().count("Application startup failed") == 1


@pytest.mark.parametrize(
    ("now", "sig", "drains", "then"),
    [
        (ShutdownPhase.SERVING, signal.SIGTERM, True, ShutdownPhase.DRAINING),
        (ShutdownPhase.SERVING, signal.SIGTERM, False, ShutdownPhase.CLOSING),
        (ShutdownPhase.SERVING, signal.SIGINT, True, ShutdownPhase.CLOSING),
        (ShutdownPhase.DRAINING, signal.SIGTERM, True, ShutdownPhase.CLOSING),
        (ShutdownPhase.DRAINING, signal.SIGINT, True, ShutdownPhase.CLOSING),
        (ShutdownPhase.CLOSING, signal.SIGTERM, True, ShutdownPhase.CLOSING),
        (ShutdownPhase.CLOSING, signal.SIGINT, False, ShutdownPhase.FORCED),
        (ShutdownPhase.FORCED, signal.SIGTERM, True, ShutdownPhase.FORCED),
    ],
)
def test_a_second_signal_ends_the_wait(
    now: ShutdownPhase, sig: signal.Signals, drains: bool, then: ShutdownPhase
) -> None:
    assert now.after_signal(sig, drains=drains) is then


def _counted(name: str, *labels: str) -> tuple[str, frozenset[str]]:
    return named(name, "method=GET", f"route={_ROUTE}", *labels)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What has ended and waits for a parent that never asks is no process any more.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
