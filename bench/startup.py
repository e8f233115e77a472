"""How long an extractor takes from its start to its first vector, and what is loaded by then.

    python -m bench.startup [--repetitions 5]

A new process each time, with the files it reads already in the system's cache. What `python -m extractor run` does
besides (two connections, one registration) takes the time of a few round trips.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from bench import clock, paths

_FIRST_VECTOR: Final = """
import extractor.cli, numpy
from extractor import statistics, weights
from extractor.{module} import {network}
given = weights.untrained()
{network}(given, statistics.shipped(given))(numpy.ones((1, 348000), numpy.float32))
"""
_PROGRAMS: Final = {
    "Python, nothing else": "",
    "the command line, before it does anything": "import extractor.cli",
    "its first vector by TensorFlow": _FIRST_VECTOR.format(module="network", network="Network"),
    "its first vector by LiteRT": _FIRST_VECTOR.format(module="litert", network="LiteNetwork"),
}
_REPORT: Final = """

import json, os, time
from pathlib import Path
pages = int(Path("/proc/self/statm").read_text().split()[1])
print(json.dumps([time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") / 2**20]))
"""


def start(program: str) -> tuple[clock.Cost, float]:
    """Run a program in a new process; return its cost and the MB that were resident at its end."""
    before = clock.now()
    done = subprocess.run(
        [sys.executable, "-c", program + _REPORT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    wall = clock.now().wall - before.wall
    cpu, resident = json.loads(done.stdout.splitlines()[-1])
    return clock.Cost(wall, cpu), resident


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="How long an extractor takes to its first vector.")
    arguments.add_argument("--repetitions", type=int, default=5)
    given = arguments.parse_args()
    table = Table("from the start of the process to", "s, wall", "s, processor", "MB resident")
    programs = {name: program for name, program in _PROGRAMS.items() if "litert" not in program or paths.has_litert()}
    readings: dict[str, list[tuple[clock.Cost, float]]] = {name: [] for name in programs}
    for _ in range(given.repetitions):
        for name, program in programs.items():
            readings[name].append(start(program))
    for name, of in readings.items():
        costs = {key: [asdict(cost)[key] for cost, _ in of] for key in ("wall", "cpu")}
        spread = [f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})" for values in costs.values()]
        table.add_row(name, *spread, f"{median(resident for _, resident in of):.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
