"""The API over real HTTP, as a process of its own, before a catalogue in PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import numpy as np

from soundalike.local.ports import free_port
from soundalike.local.program import Program, python_command
from soundalike.research.bench.index.catalogue import fill, publish, track_id
from soundalike.research.bench.index.engines import CALLERS, memory_mb
from soundalike.research.bench.servers import running, throwaway_database
from soundalike.similarity.index.builder import BuildParameters

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping

    from numpy.typing import NDArray

    from soundalike.research.bench.index.music import MusicModel
    from soundalike.similarity.index.engine import EngineName

_WARM_S: Final = 3.0
_SECONDS: Final = 10.0
_QUERY: Final = 5_000
_READY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Api:
    """A running API: where it answers, its process, and the seconds until it was ready."""

    url: str
    process: Process
    ready_s: float


@asynccontextmanager
async def api(database_url: str, folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Api]:
    """Run `python -m soundalike.api` until it is ready; `environment` adds to, or replaces, the environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    child_environment = {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        "DATABASE_URL": database_url,
        "S3_BUCKET": "bench",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(8),
        "API_PORT": str(port),
        "API_CACHE_DIR": str(folder / "cache"),
        **(environment or {}),
    }
    program = Program("api", tuple(python_command("soundalike.api")), child_environment, folder / f"api-{port}.log")
    began = time.monotonic()
    async with running(program) as process, httpx.AsyncClient() as client:
        while True:
            try:
                answer = await client.get(f"{url}/readyz", timeout=5)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                break
            if process.returncode is not None or time.monotonic() - began > _READY_S:
                raise RuntimeError(f"the API did not become ready:\n{program.log_tail()}")
            await asyncio.sleep(0.02)
        try:
            yield Api(url, process, round(time.monotonic() - began, 2))
        finally:
            if process.returncode is not None:
                print(f"the API ended by itself with {process.returncode}:\n{program.log_tail(40)}", file=sys.stderr)


async def measure(
    music: MusicModel, raw: NDArray[np.float32], engine: EngineName, folder: Path, jobs: int, workers: list[int]
) -> list[dict[str, Any]]:
    """Fill a catalogue, build and publish, and for each number of workers start an API and let callers ask."""
    home = folder / "served"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    try:
        async with throwaway_database(home) as url:
            filled = await fill(url, music, raw)
            parameters = BuildParameters(engine=engine, jobs=jobs)
            manifest, took = await publish(url, music, home / "cache", home / "work", parameters)
            queries = np.random.default_rng(8).choice(len(raw), min(len(raw), _QUERY), replace=False)
            urns = home / "urns.txt"
            urns.write_text("\n".join(track_id(int(number)).urn for number in queries), encoding="ascii")
            known = {
                "engine": engine,
                "vectors": len(raw),
                "fill_s": round(filled, 1),
                **took,
                "index_mb": round(manifest.files["index.bin"].bytes / 1e6, 1),
                "all_files_mb": round(sum(entry.bytes for entry in manifest.files.values()) / 1e6, 1),
                "effort": manifest.effort,
                "recall": round(manifest.recall_at_10, 4),
            }
            return [{**known, **await _served(url, home, urns, each)} for each in workers]
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _served(url: str, home: Path, urns: Path, workers: int) -> dict[str, Any]:
    environment = {"API_WORKERS": str(workers)}
    # The first start checks the files; what is measured is every start after it.
    async with api(url, home, environment) as first:
        first_ready = first.ready_s
    async with api(url, home, environment) as started:
        pids = await _all_started(started.process.pid, workers)
        await load(started.url, urns, callers=8, seconds=_WARM_S)
        began, answers, latency = sum(map(cpu_s, pids)), 0.0, {}
        for callers in CALLERS:
            result = await load(started.url, urns, callers=callers, seconds=_SECONDS)
            answers += result.get("per_s", 0.0) * _SECONDS
            latency[str(callers)] = result
        cpu = (sum(map(cpu_s, pids)) - began) / max(1.0, answers)
        memory = Counter[str]()
        for pid in pids:
            memory.update(memory_mb(pid))
    return {
        "workers": workers,
        "ready_first_s": first_ready,
        "ready_s": started.ready_s,
        "private_mb": round(memory["Private_Dirty"] + memory["Swap"], 1),
        # Of several processes, what they share is counted once, not once for each.
        "resident_mb": round(memory["Pss" if workers > 1 else "Rss"], 1),
        "cpu_ms": round(1e3 * cpu, 2),
        "latency_ms": latency,
    }


async def _all_started(pid: int, workers: int) -> list[int]:
    # Of several, one process more looks after them.
    while True:
        pids = processes(pid)
        if len(pids) > workers or workers == 1:
            return pids
        await asyncio.sleep(0.02)


def processes(pid: int) -> list[int]:
    """Return the numbers of a process and of all that it has started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    pids = [pid]
    for ancestor in pids:  # grows during the loop
        pids += [child for child, parent in parents.items() if parent == ancestor]
    return pids


def cpu_s(pid: int) -> float:
    """Return the processor time in s that a process has taken; blind to what else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(url: str, urns: Path, *, callers: int, seconds: float, times: Path | None = None) -> dict[str, Any]:
    """Let callers ask from a process of their own, for the client is no part of what is measured."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "soundalike.research.bench.index.load",
            url,
            str(urns),
            "--callers",
            str(callers),
            "--seconds",
            str(seconds),
        ),
        *(("--times", str(times)) if times else ()),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    result: dict[str, Any] = json.loads(out)
    return result
