"""The child of `bench.extract`: every path on one core, in turns, so that all meet the same state of the machine."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from soundalike.extractor.tensorflow_backend import tensorflow
from soundalike.research.bench import clock, paths
from soundalike.research.bench.preview import preview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from soundalike.research.bench.clock import Cost


def interleaved(measured: Mapping[str, Callable[[], Any]], repetitions: int) -> dict[str, list[Cost]]:
    """Run all paths one after the other, `repetitions` times, after two rounds to warm up."""
    costs: dict[str, list[Cost]] = {name: [] for name in measured}
    for number in range(repetitions + 2):
        for name, path in measured.items():
            before = clock.now()
            path()
            if number >= 2:
                costs[name].append(clock.now() - before)
    return costs


def main() -> None:
    """Measure, and write JSON to stdout: costs by path, and the cosines between the vectors of the ways."""
    core, repetitions = map(int, sys.argv[1:])
    # TensorFlow warns of what the published way does on purpose: many networks, each asked for one clip.
    tensorflow().get_logger().setLevel("ERROR")
    clock.pin(core)
    mp3, network = preview(), paths.model()
    cosines = paths.check(mp3, network)
    measured = (
        {paths.BASELINE: lambda: paths.decode_alone(mp3)} | paths.ours(mp3, network) | paths.baselines(mp3, network)
    )
    costs = interleaved(measured, repetitions)
    print(
        json.dumps({"costs": {name: [asdict(cost) for cost in of] for name, of in costs.items()}, "cosines": cosines})
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
