"""Measures the index: engines beside each other, then the API over HTTP, on the same vectors.

    python -m soundalike.research.bench.index [--sizes 10k,100k,1M] [--engines annoy,usearch,…] [--out FOLDER] [--only
    direct|http]
        [--workers N]

Each part is a process of its own and leaves a JSON file in the folder; a part whose file is there is not measured
again (delete it, or choose another folder), so that a run may be ended and taken up. Without `--engines` all are
measured that are installed. At 1M every part ends within a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from soundalike.research.bench import clock
from soundalike.research.bench.index import api_process
from soundalike.research.bench.index.engines import CALLERS, ENGINES
from soundalike.research.bench.index.music import MusicModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.similarity.index.engine import EngineName

_SEED: Final = 2026
_SUFFIX: Final = {"": 1, "k": 1_000, "m": 1_000_000}
_DIRECT: Final = (*ENGINES, "pgvector")
_SERVED: Final[tuple[EngineName, ...]] = ("annoy", "usearch")


def main() -> None:
    """Measure what is not measured yet, and print everything."""
    arguments = argparse.ArgumentParser(description="Measures the index.")
    arguments.add_argument("--sizes", default="10k,100k,1M")
    arguments.add_argument("--engines", help=f"of: {', '.join(_DIRECT)}; over HTTP: {', '.join(_SERVED)}")
    arguments.add_argument("--only", choices=["direct", "http"])
    arguments.add_argument("--out", type=Path, default=Path("bench-results/index"))
    arguments.add_argument("--jobs", type=int, default=2, help="Threads that build")
    arguments.add_argument("--workers", default="1", help="Processes of the API (API_WORKERS), such as 1,2")
    options = arguments.parse_args()
    chosen = [name.strip() for name in options.engines.split(",")] if options.engines else None
    # Names with a comma in them are chosen by their beginning.
    for size in options.sizes.split(","):
        count = number_of(size)
        folder = options.out / size.strip().lower()
        folder.mkdir(parents=True, exist_ok=True)
        if options.only != "http":
            for name in _DIRECT:
                if chosen is None or any(name == each or name.startswith(f"{each},") for each in chosen):
                    direct(name, folder, count, options.jobs)
        if options.only != "direct":
            for engine in _SERVED:
                if chosen is None or engine in chosen:
                    served(engine, folder, count, options.jobs, [int(each) for each in options.workers.split(",")])
        for file in (*folder.glob("*.npy"), folder / "urns.txt"):
            file.unlink(missing_ok=True)
        report(folder, count)


def number_of(size: str) -> int:
    """Read `10k` or `1M`."""
    match = re.fullmatch(r"(\d+)([km]?)", size.strip().lower())
    if match is None:
        raise SystemExit(f"{size!r} is no number of vectors; write 10k or 1M")
    return int(match[1]) * _SUFFIX[match[2]]


def direct(name: str, folder: Path, count: int, jobs: int) -> None:
    """Measure one engine by itself."""
    out = folder / f"direct-{name.replace(', ', '-').replace(' ', '-')}.json"
    if out.exists():
        return
    _draw(folder, count)
    print(f"{count} vectors, {name} …", flush=True)
    environment = {**os.environ, **clock.threads_one(), "BENCH_JOBS": str(jobs)}
    command = [sys.executable, "-m", "soundalike.research.bench.index.engines", name, str(folder), "--out", str(out)]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        print(f"{name} was not measured")


def served(engine: EngineName, folder: Path, count: int, jobs: int, workers: list[int]) -> None:
    """Measure the API with one engine, and with as many processes as are not measured yet."""
    files = {each: folder / f"http-{engine}-{each}.json" for each in workers}
    left = [each for each, file in files.items() if not file.exists()]
    if not left:
        return
    music, raw = _draw(folder, count)
    print(f"{count} vectors, {engine} over HTTP, {', '.join(map(str, left))} workers …", flush=True)
    for result in asyncio.run(api_process.measure(music, raw, engine, folder, jobs, left)):
        files[result["workers"]].write_text(json.dumps(result, indent=2), encoding="utf-8")


def report(folder: Path, count: int) -> None:
    """Print what was measured of one size."""
    console = Console(width=200)
    for kind, columns in (
        ("direct", ("build_s", "file_mb", "private_mb", "effort", "recall")),
        (
            "http",
            (
                "workers",
                *(
                    "gather_s",
                    "build_s",
                    "index_mb",
                    "private_mb",
                    "resident_mb",
                    "ready_s",
                    "effort",
                    "recall",
                    "cpu_ms",
                ),
            ),
        ),
    ):
        results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"{kind}-*.json"))]
        if not results:
            continue
        table = Table("engine", *columns, *(f"{callers}: p50/p95/p99 ms, /s" for callers in CALLERS))
        table.title = f"{count} vectors, {'one process, threads' if kind == 'direct' else 'GET /recommend over HTTP'}"
        for result in results:
            table.add_row(
                result["engine"],
                *(str(result.get(column, "")) for column in columns),
                *(_latency(result["latency_ms"][str(callers)]) for callers in CALLERS),
            )
        console.print(table)


def _latency(latency: dict[str, Any]) -> str:
    wrong = f" ERRORS {latency['errors']}" if latency.get("errors") else ""
    return f"{latency['p50']}/{latency['p95']}/{latency['p99']}, {latency['per_s']:.0f}{wrong}"


def _draw(folder: Path, count: int) -> tuple[MusicModel, NDArray[np.float32]]:
    music = MusicModel.load()
    raw, vectors = folder / "raw.npy", folder / "vectors.npy"
    if not vectors.exists():
        music.write_raw(raw, count, seed=_SEED)
        drawn = np.load(raw, mmap_mode="r")
        written = np.lib.format.open_memmap(
            vectors, mode="w+", dtype=np.float32, shape=(count, music.projection.dimensions)
        )
        for start in range(0, count, 50_000):
            written[start : start + 50_000] = music.projection.apply(drawn[start : start + 50_000])
        written.flush()
    return music, np.load(raw, mmap_mode="r")


if __name__ == "__main__":
    main()
