"""How long an extractor takes from its start to its first vector, and until it asks for messages.

    python -m soundalike.research.bench.startup [--repetitions 5]

A new process each time, with the files it reads already in the system's cache. `python -m soundalike.extractor run`
gets a database, an object store and a queue of its own on this machine, started beforehand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from soundalike.local.data_directory import DataDirectory
from soundalike.local.platform import Platform
from soundalike.local.ports import free_port
from soundalike.research.bench import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_VECTOR: Final = """
import soundalike.extractor.cli, numpy
from soundalike.extractor.models import soundalike_1
from soundalike.extractor.{module} import {network}
parts = soundalike_1.load_builtin()
{network}(parts.weights, parts.statistics)(numpy.ones((1, 348000), numpy.float32))
"""
_PROGRAMS: Final = {
    "Python, nothing else": "",
    "the command line, before it does anything": "import soundalike.extractor.cli",
    "its first vector": _FIRST_VECTOR.format(module="network", network="Network"),
    "its first vector by TensorFlow": _FIRST_VECTOR.format(module="tensorflow_network", network="ReferenceNetwork"),
}
_READY: Final = "`extractor run`, asking for messages"
_TIMEOUT_S: Final = 60.0
_REPORT: Final = """

import json, os, time
from pathlib import Path
pages = int(Path("/proc/self/statm").read_text().split()[1])
print(json.dumps([time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") / 2**20]))
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds on the wall and of the processor from the start of a process, and the MB that it holds then."""

    wall: float
    cpu: float
    resident_mb: float


def started(program: str) -> Reading:
    """Run a Python program in a new process, to its end."""
    before = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program + _REPORT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    wall = time.perf_counter() - before
    return Reading(wall, *json.loads(done.stdout.splitlines()[-1]))


def asking(environment: Mapping[str, str], heartbeat: Path) -> Reading:
    """Start `extractor run` and wait until it asks for messages, just before which it touches its heartbeat."""
    heartbeat.unlink(missing_ok=True)
    before = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "soundalike.extractor", "run"],
        env={**environment, "HEARTBEAT_FILE": str(heartbeat)},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not heartbeat.exists():
            if process.poll() is not None or time.perf_counter() - before > _TIMEOUT_S:
                raise RuntimeError(f"the extractor ended, or was not ready after {_TIMEOUT_S:g} s")
            time.sleep(0.005)
        wall = time.perf_counter() - before
        return Reading(wall, clock.ran(process.pid), clock.resident(process.pid))
    finally:
        process.terminate()
        process.wait()


async def asking_on_a_platform(repetitions: int) -> list[Reading]:
    """Start the database, the object store and the queue, and beside them an extractor, `repetitions` times."""
    with tempfile.TemporaryDirectory() as folder:
        data = DataDirectory.at(Path(folder) / "platform")
        platform = Platform(data, port=free_port(), services=(), report=lambda _: None)
        async with platform.running() as running:
            environment = running.child_environment(os.environ)
            return [asking(environment, Path(folder) / "heartbeat") for _ in range(repetitions)]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="How long an extractor takes to its first vector.")
    arguments.add_argument("--repetitions", type=int, default=5)
    options = arguments.parse_args()
    readings: dict[str, list[Reading]] = {name: [] for name in _PROGRAMS}
    for _ in range(options.repetitions):
        for name, program in _PROGRAMS.items():
            readings[name].append(started(program))
    readings[_READY] = asyncio.run(asking_on_a_platform(options.repetitions))
    table = Table("from the start of the process to", "s, wall", "s, processor", "MB resident")
    for name, of in readings.items():
        resident = f"{median(one.resident_mb for one in of):.0f}"
        table.add_row(name, _spread([one.wall for one in of]), _spread([one.cpu for one in of]), resident)
    Console(width=100).print(table)


def _spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
