"""The API under load for minutes, while tracks come and go and the index is swapped under it.

    python -m soundalike.research.bench.soak [--minutes 10] [--clients 32] [--tracks 20000] [--insertions 1000] [--swaps
    3] [--engine annoy]

PostgreSQL, an object store and the API are processes of their own, and so are the callers and every build of the index
(`python -m soundalike.indexer build`, at low priority). Tracks are inserted as an extractor does it. A new track is a
variation of one that is there already; for every tenth it is measured how long after its commit it is among the answers
for that one, and for some how long after they were forgotten they are not. Errors are answers other than 200, and none
at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from soundalike.db import database, erasure
from soundalike.domain.track_id import TrackId
from soundalike.local.environment import neutral_environment
from soundalike.local.ministack import AwsServer
from soundalike.local.ports import free_port
from soundalike.research.bench.index import api_process
from soundalike.research.bench.index.catalogue import fill, insert, track_id
from soundalike.research.bench.index.engines import memory_mb, percentiles
from soundalike.research.bench.index.music import MusicModel
from soundalike.research.bench.servers import running, throwaway_database
from soundalike.settings import StoreSettings
from soundalike.storage.object_store import s3_client

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLED: Final = 10
_FORGOTTEN: Final = 20
_VARIED: Final = 0.05
_TIMEOUT_S: Final = 20.0
_QUERIES: Final = 5_000
# From the moment a version is published until the API answers from it, and a little longer.
_AFTER_SWAP_S: Final = 2.0
_BUCKET: Final = "soak"


@dataclass(slots=True)
class Seen:
    """What was measured: seconds until a track was in the answers, or out of them, and when versions were swapped."""

    fresh_s: list[float] = field(default_factory=list)
    gone_s: list[float] = field(default_factory=list)
    never: int = 0
    swaps: list[tuple[float, float]] = field(default_factory=list)


async def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run everything; returns what is reported."""
    music = MusicModel.load()
    music.write_raw(folder / "raw.npy", options.tracks, seed=9)
    raw: NDArray[np.float32] = np.load(folder / "raw.npy", mmap_mode="r")
    aws = AwsServer(
        home=folder / "aws",
        port=free_port(),
        access_key_id=f"SOAK{secrets.token_hex(6).upper()}",
        secret_access_key=secrets.token_hex(16),
        log_file=folder / "ministack.log",
    )
    aws.prepare()
    async with throwaway_database(folder) as url, running(aws.program(neutral_environment(os.environ))):
        await aws.wait_until_ready()
        environment = {
            **neutral_environment(os.environ),
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
            **aws.client_environment(),
            "DATABASE_URL": url,
            "S3_BUCKET": _BUCKET,
            "INDEX_ENGINE": options.engine,
            "INDEX_WORK_DIR": str(folder / "work"),
        }
        os.environ.update(aws.client_environment())
        s3_client(StoreSettings(s3_bucket=_BUCKET, aws_endpoint_url=aws.endpoint_url)).create_bucket(Bucket=_BUCKET)
        print(f"{options.tracks} tracks into PostgreSQL …", flush=True)
        await fill(url, music, raw)
        print("the first index version …", flush=True)
        await _build(environment, nice=0)
        print("the API …", flush=True)
        async with api_process.api(url, folder, environment) as api, database.connect(url) as pool:
            return await _under_load(options, folder, music, raw, api, pool, environment)


async def _under_load(
    options: argparse.Namespace,
    folder: Path,
    music: MusicModel,
    raw: NDArray[np.float32],
    api: api_process.Api,
    pool: database.Pool,
    environment: dict[str, str],
) -> dict[str, Any]:
    urns = folder / "urns.txt"
    numbers = np.random.default_rng(4).choice(len(raw), min(len(raw), _QUERIES), replace=False)
    await asyncio.to_thread(urns.write_text, "\n".join(track_id(int(number)).urn for number in numbers))
    await api_process.load(api.url, urns, callers=4, seconds=3.0)
    print(f"{options.clients} clients for {options.minutes:g} minutes …", flush=True)
    seconds, seen = 60.0 * options.minutes, Seen()
    began = time.monotonic()
    times = folder / "times.json"
    async with httpx.AsyncClient(base_url=api.url, timeout=30) as client:
        calling = asyncio.create_task(
            api_process.load(api.url, urns, callers=options.clients, seconds=seconds, times=times)
        )
        await asyncio.gather(
            _insert(options.insertions, seconds, music, raw, pool, client, seen),
            _swap(options.swaps, seconds, environment, client, seen, nice=options.nice),
        )
        load_result = await calling
        index = (await client.get("/readyz")).json()["index"]
    memory = memory_mb(api.process.pid)
    starts, taken = (np.asarray(each) for each in json.loads(await asyncio.to_thread(times.read_text)))
    swapping = np.zeros(len(starts), dtype=bool)
    for published, answered in seen.swaps:
        swapping |= (starts + taken >= published) & (starts <= answered + _AFTER_SWAP_S)
    return {
        "minutes": options.minutes,
        "clients": options.clients,
        "engine": options.engine,
        "answers": len(taken),
        "errors": load_result["errors"],
        "all": percentiles(taken.tolist(), seconds),
        "without a swap": percentiles(taken[~swapping].tolist(), seconds),
        "around a swap": percentiles(taken[swapping].tolist(), seconds) if swapping.any() else None,
        "swaps": [round(answered - published, 2) for published, answered in seen.swaps],
        "insertions": options.insertions,
        "fresh_ms": percentiles(seen.fresh_s, seconds) if seen.fresh_s else None,
        "forgotten_ms": percentiles(seen.gone_s, seconds) if seen.gone_s else None,
        "never_seen": seen.never,
        "index": index,
        "private_mb": round(memory["Private_Dirty"] + memory["Swap"], 1),
        "took_s": round(time.monotonic() - began, 1),
    }


async def _insert(
    count: int,
    seconds: float,
    music: MusicModel,
    raw: NDArray[np.float32],
    pool: database.Pool,
    client: httpx.AsyncClient,
    seen: Seen,
) -> None:
    """Insert tracks, evenly over nine tenths of the time."""
    rng = np.random.default_rng(11)
    began = time.monotonic()
    watching: list[asyncio.Task[None]] = []
    spread = raw[:2_000].std(axis=0)
    for turn in range(count):
        await asyncio.sleep(max(0.0, began + 0.9 * seconds * turn / count - time.monotonic()))
        like = int(rng.integers(len(raw)))
        vector = (raw[like] + _VARIED * spread * rng.standard_normal(len(spread))).astype(np.float32)
        # Far from the number of what it is like, so that it is by another artist.
        urn = await insert(pool, music, len(raw) * 2 + turn * 100, vector)
        if turn % _SAMPLED == 0:
            forget = turn // _SAMPLED < _FORGOTTEN
            watching.append(asyncio.create_task(_watch(urn, track_id(like).urn, pool, client, seen, forget=forget)))
    await asyncio.gather(*watching)


async def _watch(
    urn: str, like: str, pool: database.Pool, client: httpx.AsyncClient, seen: Seen, *, forget: bool
) -> None:
    appeared = await _until(client, like, urn, present=True)
    if appeared is None:
        seen.never += 1
        return
    seen.fresh_s.append(appeared)
    if forget:
        async with pool.acquire() as connection:
            await erasure.forget_tracks(connection, [TrackId.from_urn(urn)])
        gone = await _until(client, like, urn, present=False)
        if gone is None:
            seen.never += 1
        else:
            seen.gone_s.append(gone)


async def _until(client: httpx.AsyncClient, like: str, urn: str, *, present: bool) -> float | None:
    """Ask until a track is among the answers, or is not; returns the seconds it took, None if it never came to that."""
    began = time.monotonic()
    while (now := time.monotonic()) - began < _TIMEOUT_S:
        try:
            answer = await client.get("/recommend", params={"track": like, "n": 20})
        except httpx.TransportError:
            # Counted where the callers meet it, too.
            return None
        if answer.status_code == 200 and (urn in {each["urn"] for each in answer.json()["results"]}) == present:
            # What it takes to ask is in it: an answer that began before the commit cannot know of it.
            return time.monotonic() - began
        await asyncio.sleep(max(0.0, 0.02 - (time.monotonic() - now)))
    return None


async def _swap(
    count: int, seconds: float, environment: dict[str, str], client: httpx.AsyncClient, seen: Seen, *, nice: int
) -> None:
    """Build and publish, evenly over the time, and note when the API answers from each version."""
    began = time.monotonic()
    for turn in range(count):
        await asyncio.sleep(max(0.0, began + seconds * (turn + 0.5) / (count + 0.5) - time.monotonic()))
        version = await _build(environment, nice=nice)
        print(f"published {version}", flush=True)
        published = time.monotonic()
        while (await client.get("/readyz")).json()["index"]["version"] != version:  # noqa: ASYNC110 - it is far away
            await asyncio.sleep(0.05)
        # The command ends a moment after it has published.
        seen.swaps.append((published - 1.0, time.monotonic()))


async def _build(environment: dict[str, str], *, nice: int) -> str:
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", str(nice), sys.executable, "-P", "-m", "soundalike.indexer", "build"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the index was not built:\n{err.decode()}")
    return out.decode().split()[0]


def report(results: dict[str, Any]) -> None:
    """Print the errors and the latencies."""
    console = Console(width=120)
    table = Table("GET /recommend, ms", "p50", "p95", "p99", "max")
    table.title = f"{results['clients']} clients, {results['minutes']} minutes, {results['answers']} answers"
    for name in ("all", "without a swap", "around a swap"):
        if results[name]:
            table.add_row(name, *(str(results[name][each]) for each in ("p50", "p95", "p99", "max")))
    for name, key in (("until a new track is answered", "fresh_ms"), ("until a forgotten one is not", "forgotten_ms")):
        if results[key]:
            table.add_row(name, *(str(results[key][each]) for each in ("p50", "p95", "p99", "max")))
    console.print(table)
    console.print(
        f"errors: {results['errors'] or 'none'}; tracks that were never seen to come or go: {results['never_seen']}"
    )
    console.print(
        f"seconds from publishing to answering: {results['swaps']}; private memory {results['private_mb']} MB"
    )


def main() -> None:
    """Soak, print, and end with 1 where there was an error."""
    arguments = argparse.ArgumentParser(description="The API under load while the index is swapped.")
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--clients", type=int, default=32)
    arguments.add_argument("--tracks", type=int, default=20_000)
    arguments.add_argument("--insertions", type=int, default=1_000)
    arguments.add_argument("--swaps", type=int, default=3)
    arguments.add_argument("--engine", choices=["annoy", "usearch"], default="annoy")
    arguments.add_argument(
        "--nice", type=int, default=10, help="Priority of the builds under load; 0 is that of all else"
    )
    arguments.add_argument("--out", type=Path, default=Path("bench-results/soak.json"))
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soundalike-soak-"))
    try:
        results = asyncio.run(soak(options, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2), encoding="utf-8")
    report(results)
    raise SystemExit(1 if results["errors"] or results["never_seen"] else 0)


if __name__ == "__main__":
    main()
