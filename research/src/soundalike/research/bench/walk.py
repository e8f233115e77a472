"""Whether a walk over SoundCloud that is killed again and again collects exactly what can be reached.

    python -m soundalike.research.bench.walk [--users 10000] [--tracks 5000] [--likes 300000] [--depth 2] [--kills 10]
    [--json FILE]

The sandbox invents a SoundCloud with bad habits (short and empty pages, addresses of inner hosts, deleted accounts,
private tracks) and serves it from a process of its own, which now and then answers 429, 503, or that the token has
run out. `python -m soundalike.crawler soundcloud` walks over it, is killed by SIGKILL at random moments, and started
again. In the end the favourites in the database are compared with those that the invented graph has within reach.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from rich.console import Console
from rich.table import Table

from soundalike.db import database, favorites, schema
from soundalike.research.bench.servers import throwaway_database
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.soundcloud import SoundCloud
from soundalike.sandbox.soundcloud_world import FIRST_TRACK, FIRST_USER, WorldSize, make_world
from soundalike.sandbox.state import Sandbox

if TYPE_CHECKING:
    from asyncio.subprocess import Process

START: Final = "https://soundcloud.com/listener-0"
ALL: Final = 1_000_000
"""Requests; more than any walk here makes."""

FAULTS: Final = (
    Fault(path="/soundcloud/users/*", status=401, after=50),
    Fault(path="/soundcloud/tracks/*", status=429, body={"error": "Rate Limit Exceeded"}, after=100, times=5),
    Fault(path="/soundcloud/users/*/likes/*", status=504, body="upstream timed out", after=200, times=3),
    Fault(path="/soundcloud/tracks/*", status=401, after=2_000),
)


async def walked(url: str, database_url: str, depth: int, *, begin: bool) -> Process:
    """Start the crawler as a person would."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "S3_BUCKET": "unused",
        "SOUNDCLOUD_API_URL": f"{url}/soundcloud",
        "SOUNDCLOUD_TOKEN_URL": f"{url}/soundcloud/oauth/token",
        "SOUNDCLOUD_CLIENT_ID": "sandbox",
        "SOUNDCLOUD_CLIENT_SECRET": "sandbox",
        "SOUNDCLOUD_REQUESTS_PER_SECOND": "1000",
        "SOUNDCLOUD_LIKES_OF_USER": "100000",
        "SOUNDCLOUD_LIKERS_OF_TRACK": "100000",
    }
    start = ["--from", START] if begin else []
    return await asyncio.create_subprocess_exec(
        *[
            sys.executable,
            "-m",
            "soundalike.crawler",
            "soundcloud",
            *start,
            "--depth",
            str(depth),
            "--budget",
            str(ALL),
        ],
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def measure(size: WorldSize, depth: int, kills: int) -> dict[str, Any]:
    """Walk, kill, walk on, and compare."""
    world = make_world(size)
    chance = random.Random(1)
    sandbox = Sandbox(soundcloud=SoundCloud(size))
    sandbox.soundcloud.__dict__["world"] = world
    for fault in FAULTS:
        sandbox.faults.add(fault)
    with SandboxServer(sandbox) as server:
        async with throwaway_database() as url:
            await schema.upgrade(url)
            began = time.monotonic()
            for kill in range(kills):
                process = await walked(server.url, url, depth, begin=kill == 0)
                await asyncio.sleep(chance.uniform(4.0, 12.0))
                process.send_signal(signal.SIGKILL)
                await process.communicate()
                # What the killed one held is options back when its lease ends; here is no time to wait for that.
                await _run(url, "UPDATE manifest SET claimed_until = now() WHERE claimed_until > now()")
            last = await walked(server.url, url, depth, begin=kills == 0)
            _, stderr = await last.communicate()
            if last.returncode:
                raise SystemExit(f"the walk failed ({last.returncode}): {stderr.decode()[-2_000:]}")
            seconds = time.monotonic() - began
            expected = world.reachable(0, depth)
            results = await _favorites(url)
            requests = sandbox.journal.read("/soundcloud/")
            return {
                "users in the world": size.users,
                "tracks in the world": size.tracks,
                "favourites in the world": sum(len(one) for one in world.tracks_of),
                "times killed": kills,
                "favourites within reach": len(expected),
                "favourites collected": len(results),
                "missing": len(expected - results),
                "too many": len(results - expected),
                "requests, latest 50,000 at most": len(requests),
                "answered 401, 429 or 504": sum(request.status in {401, 429, 504} for request in requests),
                "seconds": round(seconds),
            }


async def _favorites(url: str) -> set[tuple[int, int]]:
    async with database.connect(url, size=1) as pool, pool.acquire() as connection, connection.transaction():
        return {
            (int(user.rpartition(":")[2]) - FIRST_USER, int(track.rpartition(":")[2]) - FIRST_TRACK)
            async for user, track in favorites.stream(connection)
        }


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def main() -> None:
    """Measure and print."""
    defaults = WorldSize()
    arguments = argparse.ArgumentParser(description="Whether a killed walk collects exactly what can be reached.")
    arguments.add_argument("--users", type=int, default=defaults.users)
    arguments.add_argument("--tracks", type=int, default=defaults.tracks)
    arguments.add_argument("--likes", type=int, default=defaults.likes)
    arguments.add_argument("--depth", type=int, default=2)
    arguments.add_argument("--kills", type=int, default=10)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    results = asyncio.run(
        measure(WorldSize(options.users, options.tracks, options.likes), options.depth, options.kills)
    )
    table = Table("what", "how many")
    table.columns[1].justify = "right"
    for what, count in results.items():
        table.add_row(what, f"{count:,}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    if results["missing"] or results["too many"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
