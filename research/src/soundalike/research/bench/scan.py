"""What the second scan of a library costs in which nothing has changed.

    python -m soundalike.research.bench.scan [--files 100000] [--folder FOLDER] [--json FILE]

Makes that many small files, each an inode of its own, ten and a cover to an album, and stores what a first scan would
have: a location and an analysed track for each. `python -m soundalike.crawler library scan` then runs as a person
would run it, from start to end, and once more over a tenth of the files. Beside it stand, in the same run, two
baselines: listing the files and looking at each once, which no scan can do without, and reading every byte of them for
a SHA-256, which is what a second crawl did before there were locations (without its tags and statements).
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from rich.console import Console
from rich.table import Table

from soundalike.audio.file_tree import RegularFile, walk
from soundalike.db import libraries, schema
from soundalike.db.locations import FileStamp
from soundalike.research.bench.servers import throwaway_database

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACKS_OF_ALBUM: Final = 10
_ALBUMS_OF_ARTIST: Final = 10
_BYTES: Final = 2_000

_MODEL: Final = "INSERT INTO models (model, dimensions, current) VALUES ('bench', 160, true) ON CONFLICT DO NOTHING"
_EMBEDDINGS: Final = """
INSERT INTO embeddings (urn, model, vector, object_key, audio_sha256, seconds_heard)
SELECT urn, 'bench', array_fill(0.1, ARRAY[160])::vector, urn, '', 29 FROM tracks ON CONFLICT DO NOTHING
"""


def make_files(root: Path, count: int) -> None:
    """Make `count` files of music by their names, of different content, and a cover for each album."""
    for number in range(count):
        album, track = divmod(number, _TRACKS_OF_ALBUM)
        folder = root / f"Artist {album // _ALBUMS_OF_ARTIST:05}" / f"Album {album:06}"
        if track == 0:
            folder.mkdir(parents=True)
            (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff")
        (folder / f"{track + 1:02} Song {number}.flac").write_bytes(
            b"fLaC" + hashlib.sha256(str(number).encode()).digest() * (_BYTES // 32)
        )


async def store(url: str, root: Path) -> None:
    """Store what a first scan of the folder would have stored."""
    connection = await asyncpg.connect(url)
    try:
        library = (await libraries.register(connection, os.fsencode(root))).library
        await connection.execute(_MODEL)
        tracks, places = [], []
        for item in _files(root):
            is_music = item.path.endswith(b".flac")
            urn = f"file:track:{hashlib.sha256(os.fsencode(root) + item.path).hexdigest()}" if is_music else None
            stamp = FileStamp.of(item.status)
            ignored = None if is_music else "other files"
            places.append(
                (library.id, item.path, "", urn, ignored, stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
            )
            if urn:
                tracks.append((urn, "file", item.path.decode(), "ready", 1))
        await connection.copy_records_to_table(
            "tracks", records=tracks, columns=("urn", "source", "title", "state", "identity_version")
        )
        await connection.execute(_EMBEDDINGS)
        columns = ("library", "path", "segment", "urn", "ignored", "size", "mtime_ns", "ctime_ns", "inode")
        await connection.copy_records_to_table("locations", records=places, columns=columns)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def scan(url: str, root: Path) -> tuple[float, float, float, str]:
    """Run the command; returns wall and processor seconds, the largest resident size in MB, and what it printed."""
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "S3_BUCKET": "unused"}
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "soundalike.crawler", "library", "scan", str(root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the scan failed ({process.returncode}): {printed}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, printed


def timed(work: Iterator[object]) -> float:
    """Return for how many seconds an iterator runs."""
    began = time.monotonic()
    for _ in work:
        pass
    return time.monotonic() - began


def hashes(root: Path) -> Iterator[str]:
    """Read every file."""
    for item in _files(root):
        with (root / os.fsdecode(item.path)).open("rb") as file:
            yield hashlib.file_digest(file, "sha256").hexdigest()


async def measure(files: int, folder: Path) -> dict[str, Any]:
    """Make the files below `folder`, and measure."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=folder) as directory:
        roots = {files // 10: Path(directory, "tenth"), files: Path(directory, "all")}
        async with throwaway_database() as url:
            await schema.upgrade(url)
            for count, root in roots.items():
                await asyncio.to_thread(make_files, root, count)
                await store(url, root)
            for count, root in roots.items():
                load = os.getloadavg()[0]
                listing = await asyncio.to_thread(timed, walk(os.fsencode(root)))
                wall, processor, resident, printed = await asyncio.to_thread(scan, url, root)
                reading = await asyncio.to_thread(timed, hashes(root))
                expected = f"[unchanged files, not read again]  {count + count // _TRACKS_OF_ALBUM}"
                if expected not in printed:
                    raise SystemExit(f"not what was expected: {expected!r} is not in\n{printed}")
                results[f"{count:,} files"] = {
                    "list and look, s": round(listing, 1),
                    "scan, s": round(wall, 1),
                    "scan, s of a processor": round(processor, 1),
                    "scan, MB resident": round(resident),
                    "SHA-256 of all, s": round(reading, 1),
                    "load before": round(load, 1),
                }
    return results


def _files(root: Path) -> Iterator[RegularFile]:
    return (item for item in walk(os.fsencode(root)) if isinstance(item, RegularFile))


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="What the second scan of an unchanged library costs.")
    arguments.add_argument("--files", type=int, default=100_000)
    arguments.add_argument("--folder", type=Path, help="Where the files are made.")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    results = asyncio.run(measure(options.files, (options.folder or Path(tempfile.gettempdir())).resolve()))
    table = Table("", *results)
    for name in next(iter(results.values())):
        table.add_row(name, *(str(values[name]) for values in results.values()))
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
