"""What one preview costs from its bytes to its vector, as a multiple of decoding it alone.

    python -m soundalike.research.bench.extract [--repetitions 15] [--rounds 7] [--json FILE]

Ratios only: the machine is whatever it is, and each repetition is compared with the decoding of the same repetition.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import IO, Any, Final, cast

from rich.console import Console
from rich.table import Table

from soundalike.research.bench import clock
from soundalike.research.bench.paths import BASELINE, OURS, TENSORFLOW

CLIPS_PER_ROUND: Final = 20


def one_core(core: int, repetitions: int) -> dict[str, Any]:
    """Run `research.bench.one_core` on `core`; returns what it printed."""
    command = [sys.executable, "-m", "soundalike.research.bench.one_core", str(core), str(repetitions)]
    done = subprocess.run(command, env=os.environ | clock.threads_one(), stdout=subprocess.PIPE, check=True)
    return cast("dict[str, Any]", json.loads(done.stdout.splitlines()[-1]))


def ratios(costs: dict[str, list[dict[str, float]]], which: str) -> dict[str, list[float]]:
    """Divide every path's costs (`which` is wall or cpu) by the baseline's of the same repetition."""
    base = [cost[which] for cost in costs[BASELINE]]
    return {name: [cost[which] / unit for cost, unit in zip(of, base, strict=True)] for name, of in costs.items()}


class EmbedderProcess:
    """A process that embeds clips on one core."""

    def __init__(self, core: int, path: str) -> None:
        command = [sys.executable, "-m", "soundalike.research.bench.clips", str(core), path]
        pipe = subprocess.PIPE
        environment = os.environ | clock.threads_one()
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self._in = cast("IO[str]", self._process.stdin)
        self._out = cast("IO[str]", self._process.stdout)
        self._out.readline()

    def start(self, clips: int) -> None:
        """Have it begin with `clips` clips."""
        self._in.write(f"{clips}\n")
        self._in.flush()

    def cost(self) -> clock.Cost:
        """Wait for it, and return what they cost."""
        return clock.Cost(**json.loads(self._out.readline()))

    def close(self) -> None:
        """End it."""
        self._in.close()
        self._process.wait()


def two_cores(cores: list[int], path: str, rounds: int) -> dict[str, list[float]]:
    """Return how many times the throughput of one core two cores have, in every round.

    `wall` is elapsed time. `cpu` is what that would be on an idle machine: how much more processor time a clip takes
    when the other core processes one too (shared caches, memory).
    """
    results: dict[str, list[float]] = {"wall": [], "cpu": []}
    with ExitStack() as stack:
        hearers = [EmbedderProcess(core, path) for core in cores]
        for hearer in hearers:
            stack.callback(hearer.close)
        for _ in range(rounds):
            alone = []
            for hearer in hearers:
                hearer.start(CLIPS_PER_ROUND)
                alone.append(hearer.cost())
            for hearer in hearers:
                hearer.start(CLIPS_PER_ROUND)
            together = [hearer.cost() for hearer in hearers]
            one = sum(cost.wall for cost in alone) / len(alone)
            results["wall"].append(sum(one / cost.wall for cost in together))
            results["cpu"].append(len(cores) * sum(cost.cpu for cost in alone) / sum(cost.cpu for cost in together))
    return results


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="What one preview costs, as a multiple of decoding it alone.")
    arguments.add_argument("--repetitions", type=int, default=15)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    cores = clock.cores()[:2]
    measured = one_core(cores[-1], options.repetitions)
    of = {which: ratios(measured["costs"], which) for which in ("wall", "cpu")}
    console = Console(width=100)
    table = Table("one core", "processor time", "wall", title=f"multiples of {BASELINE!r}, median (min to max)")
    for name in of["cpu"]:
        table.add_row(name, _spread(of["cpu"][name]), _spread(of["wall"][name]))
    console.print(table)
    for name, cosine in measured["cosines"].items():
        console.print(f"{name}: its vector and ours have a cosine of {cosine:.6f}")
    scaling = {}
    if len(cores) == 2:
        scaling = {path: two_cores(cores, path, options.rounds) for path in (OURS, TENSORFLOW, BASELINE)}
        table = Table("two cores, a process each", "processor time", "wall", title="multiples of one core")
        for path, results in scaling.items():
            table.add_row(path, _spread(results["cpu"]), _spread(results["wall"]))
        console.print(table)
    if options.json:
        options.json.write_text(json.dumps({"one_core": of, "two_cores": scaling, "measured": measured}, indent=1))


def _spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
