"""What the memory of an extractor does over many clips.

    python -m soundalike.research.bench.memory [--clips 2000] [--engine litert|tensorflow]

Clips differ in length, so that the allocator gets no regular pattern.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from soundalike.research.bench import clock, paths

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS: Final = 10
LENGTHS: Final = 12


def clips() -> list[bytes]:
    """Return MP3 files of 8 to 30 s."""
    from soundalike.research.bench.preview import encoded, music

    samples = music()
    lengths = np.random.default_rng(0).integers(len(samples) // 4, len(samples), LENGTHS)
    return [encoded(samples[:length]) for length in lengths]


def over(embed: Callable[[bytes], object], count: int) -> list[tuple[int, float, float]]:
    """Embed `count` clips; return their number and MB resident (the process, its decoder) ten times on the way."""
    # Composed elsewhere, for it takes more memory than hearing does.
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        files = elsewhere.submit(clips).result()
    readings = []
    for number in range(1, count + 1):
        embed(files[number % len(files)])
        if number % max(1, count // ROWS) == 0 or number == 1:
            readings.append((number, clock.resident_mb(), clock.resident_mb(children=True)))
    return readings


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="What the memory of an extractor does over many clips.")
    arguments.add_argument("--clips", type=int, default=2000)
    arguments.add_argument("--engine", choices=["litert", "tensorflow"], default="litert")
    options = arguments.parse_args()
    embed, close = paths.embedder(paths.OURS if options.engine == "litert" else paths.TENSORFLOW)
    table = Table("clips", "process", "its decoder", "both", title=f"resident MB, {options.engine}")
    for number, process, decoder in over(embed, options.clips):
        table.add_row(str(number), f"{process:.0f}", f"{decoder:.0f}", f"{process + decoder:.0f}")
    Console(width=100).print(table)
    close()


if __name__ == "__main__":
    main()
