"""How much of a service's allowance the crawlers use, and that they never use more.

    python -m soundalike.research.bench.crawl [--seconds 20] [--json FILE]

A server on this machine answers each request after 100 ms. Processes with some workers each ask it as fast as the
shared limiter lets them, over connections that are open. What is used is the number of requests that arrived, divided
by what the allowance has for the time between the first and the last; the fullest window of five seconds is divided by
what fits into one. The baseline is one worker without a limiter, who asks one thing after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from rich.console import Console
from rich.table import Table

from soundalike.crawler.shared_rate_limiter import SharedLimiter
from soundalike.db import database, schema
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter, Limiter, RateLimit
from soundalike.local.ports import free_port
from soundalike.local.postgres import ADMIN, PostgresServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LATENCY_S: Final = 0.1
HEAD_START_S: Final = 2.0
"""Time to open the connections, after the code of every process is loaded."""

WINDOW_S: Final = 5.0
WARM: Final = b"GET /warm"
BASELINE: Final = "baseline: no limiter, 1 worker"
CASES: Final = (
    # name, requests a second, burst, processes, workers in each
    ("Deezer's 9.5 a second, 1 process", 9.5, 2, 1, 16),
    ("Deezer's 9.5 a second, 4 processes", 9.5, 2, 4, 4),
    ("50 a second, 1 process", 50.0, 5, 1, 16),
    ("50 a second, 4 processes", 50.0, 5, 4, 16),
)


class Server:
    """Answers after `LATENCY_S` and notes when each request came."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on loopback inside the context, whose value is the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        async with server:
            host, port = server.sockets[0].getsockname()
            yield f"http://{host}:{port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if WARM not in head:
                    self.arrivals.append(time.perf_counter())
                    await asyncio.sleep(LATENCY_S)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def ask(url: str, limiter: Limiter, workers: int, begins: float, seconds: float) -> None:
    """Ask as fast as the limiter lets `workers` do it, from a moment on (`time.time`) and for so long."""
    limits = httpx.Limits(max_connections=workers, max_keepalive_connections=workers)

    async def work(client: httpx.AsyncClient) -> None:
        await client.get(f"{url}warm")
        await asyncio.sleep(begins - time.time())
        while True:
            await limiter.acquire()
            if time.time() >= begins + seconds:
                return
            (await client.get(url)).raise_for_status()

    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        await asyncio.gather(*(work(client) for _ in range(workers)))


def process(database_url: str, url: str, allowance: RateLimit, workers: int, seconds: float) -> None:
    """Be one of the processes: say when the code is loaded, and read when it begins."""
    print("ready", flush=True)
    begins = float(sys.stdin.readline())

    async def run() -> None:
        async with database.connect(database_url, size=2) as pool:
            await ask(url, SharedLimiter(pool, allowance), workers, begins, seconds)

    asyncio.run(run())


async def measure(
    database_url: str, allowance: RateLimit | None, processes: int, workers: int, seconds: float
) -> dict[str, float]:
    """Run one case; without an allowance, in this process and without a limiter."""
    server = Server()
    async with server.running() as url:
        if allowance is None:
            await ask(url, InMemoryLimiter(UNLIMITED), workers, time.time() + 1, seconds)
        else:
            case = json.dumps([allowance.service, allowance.per_second, allowance.burst, workers, seconds])
            command = [sys.executable, "-m", "soundalike.research.bench.crawl", "--process", database_url, url, case]
            pipe = asyncio.subprocess.PIPE
            started = [
                await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe) for _ in range(processes)
            ]
            for one in started:
                assert one.stdout is not None  # noqa: S101 - piped
                await one.stdout.readline()
            begins = time.time() + HEAD_START_S
            ended = await asyncio.gather(*(one.communicate(f"{begins}\n".encode()) for one in started))
            if any(one.returncode for one in started):
                raise SystemExit(f"a process failed: {ended}")
    return verdict_of(server.arrivals, allowance)


def verdict_of(arrivals: list[float], allowance: RateLimit | None) -> dict[str, float]:
    """Compare what arrived with what is allowed."""
    times = sorted(arrivals)
    span = times[-1] - times[0]
    rate = (len(times) - 1) / span
    if allowance is None:
        return {"requests": len(times), "a_second": rate}
    window = max(sum(1 for later in times[i:] if later < first + WINDOW_S) for i, first in enumerate(times))
    return {
        "requests": len(times),
        "a_second": rate,
        "used": len(times) / (allowance.burst + allowance.per_second * span),
        "most": window / (allowance.burst + allowance.per_second * WINDOW_S),
    }


async def measured(database_url: str, seconds: float) -> dict[str, dict[str, float]]:
    """Measure every case on an empty database."""
    await schema.upgrade(database_url)
    results = {BASELINE: await measure(database_url, None, 1, 1, seconds)}
    for number, (name, per_second, burst, processes, workers) in enumerate(CASES):
        allowance = RateLimit(f"case-{number}", per_second, burst)
        results[name] = await measure(database_url, allowance, processes, workers, seconds)
    return results


def run(seconds: float) -> dict[str, dict[str, float]]:
    """Measure with a database server of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-crawl-") as home:
        folder = Path(home)
        # The server runs as another user where this one is the superuser.
        folder.chmod(0o755)
        server = PostgresServer(folder, free_port(), secrets.token_hex(16), folder / "postgres.log", durable=False)
        server.prepare()
        program = server.program()
        with program.log_file.open("wb") as log:
            postgres = subprocess.Popen(program.launch_command(), env=dict(program.environment), stdout=log, stderr=log)
        try:
            asyncio.run(server.wait_until_ready())
            return asyncio.run(measured(server.url(ADMIN), seconds))
        finally:
            postgres.send_signal(program.stop_signal)
            postgres.wait()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="How much of a service's allowance the crawlers use.")
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--process", nargs=3, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.process:
        database_url, url, case = options.process
        service, per_second, burst, workers, seconds = json.loads(case)
        process(database_url, url, RateLimit(service, per_second, burst), workers, seconds)
        return
    results = run(options.seconds)
    base = results[BASELINE]["a_second"]
    table = Table("case", "requests", "times the baseline", "of the allowance used", "fullest 5 s")
    for name, case in results.items():
        table.add_row(name, str(round(case["requests"])), f"{case['a_second'] / base:.2f}", *_shares(case))
    Console(width=110).print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def _shares(case: dict[str, Any]) -> tuple[str, str]:
    return (f"{case['used']:.1%}", f"{case['most']:.1%}") if "used" in case else ("", "")


if __name__ == "__main__":
    main()
