"""Callers of an API over real HTTP: each sends one request after the other on its own connection.

    python -m soundalike.research.bench.index.load http://127.0.0.1:8000 URNS.txt --callers 32 --seconds 10

prints one JSON line: percentiles in ms, answers a second, and what was not answered with 200.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from soundalike.research.bench.index.engines import percentiles

_LENGTH: Final = b"content-length:"
_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class Taken:
    """When each request began (s, monotonic), how long it took (s), and what went wrong."""

    began: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


async def call(url: str, paths: list[str], callers: int, until: float) -> Taken:
    """Let `callers` request random `paths` until `until` (s, monotonic)."""
    taken = Taken()
    await asyncio.gather(*(_caller(url, paths, until, taken, random.Random(number)) for number in range(callers)))
    return taken


def recommendations(urns: list[str], n: int = 10) -> list[str]:
    """Return the path that asks for what is like each of the tracks."""
    return [f"/recommend?track={quote(urn, safe='')}&n={n}" for urn in urns]


async def _caller(url: str, paths: list[str], until: float, taken: Taken, draw: random.Random) -> None:
    parts = urlsplit(url)
    stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    while time.monotonic() < until:
        path = draw.choice(paths)
        began = time.monotonic()
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                if stream is None:
                    stream = await asyncio.open_connection(parts.hostname, parts.port)
                status = await _ask(*stream, path, str(parts.netloc))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            taken.errors[type(error).__name__] += 1
            if stream is not None:
                stream[1].close()
            stream = None
            continue
        if status != 200:
            taken.errors[str(status)] += 1
            continue
        taken.began.append(began)
        taken.seconds.append(time.monotonic() - began)
    if stream is not None:
        stream[1].close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, host: str) -> int:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


def main() -> None:
    """Run the load and print the result."""
    arguments = argparse.ArgumentParser(description="Callers of an API.")
    arguments.add_argument("url")
    arguments.add_argument("urns", type=Path)
    arguments.add_argument("--callers", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--times", type=Path, help="Where to write when each request began and what it took, in s")
    options = arguments.parse_args()
    paths = recommendations(options.urns.read_text(encoding="ascii").split())
    taken = asyncio.run(call(options.url, paths, options.callers, time.monotonic() + options.seconds))
    if options.times:
        options.times.write_text(json.dumps([taken.began, taken.seconds]), encoding="ascii")
    result: dict[str, Any] = percentiles(taken.seconds, options.seconds) if taken.seconds else {}
    print(json.dumps({**result, "errors": dict(taken.errors)}))


if __name__ == "__main__":
    main()
