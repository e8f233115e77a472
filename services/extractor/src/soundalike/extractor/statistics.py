"""The mean and variance before each batch normalisation, measured once over a corpus instead of over each clip.

The published network normalises by its batch; for a single clip that removes what distinguishes it from others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.extractor.architecture import CHANNELS, LAYERS
from soundalike.extractor.errors import StatisticsUnusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.weights import Weights


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """`mean` and `variance` float32 [5, 32] over all clips and positions of a corpus, for the weights of one sha256."""

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    weights_sha256: str
    clips: int
    corpus: str
    command: str

    @property
    def sha256(self) -> str:
        """The checksum of the numbers, independent of the file format."""
        return hashlib.sha256(self.mean.astype("<f4").tobytes() + self.variance.astype("<f4").tobytes()).hexdigest()

    def to_json(self) -> str:
        """Return JSON that is readable and restores every bit of float32."""
        content = {
            "corpus": self.corpus,
            "command": self.command,
            "clips": self.clips,
            "weights_sha256": self.weights_sha256,
        }
        head = json.dumps(content, indent=1, ensure_ascii=False).removesuffix("\n}")
        return f'{head},\n "mean": {_rows(self.mean)},\n "variance": {_rows(self.variance)}\n}}\n'


def parse(text: str) -> Statistics:
    """Parse the output of `Statistics.to_json`; raises `StatisticsUnusable`."""
    try:
        content: dict[str, Any] = json.loads(text)
        statistics = Statistics(
            mean=np.asarray(content["mean"], dtype=np.float32),
            variance=np.asarray(content["variance"], dtype=np.float32),
            weights_sha256=str(content["weights_sha256"]),
            clips=int(content["clips"]),
            corpus=str(content["corpus"]),
            command=str(content["command"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StatisticsUnusable(f"the statistics file is invalid: {error!r}") from error
    for name, array in (("mean", statistics.mean), ("variance", statistics.variance)):
        if array.shape != (LAYERS, CHANNELS) or not np.isfinite(array).all():
            raise StatisticsUnusable(f"{name} must be {LAYERS} rows of {CHANNELS} finite numbers")
    if not (statistics.variance > 0).all():
        raise StatisticsUnusable("a variance is not positive")
    return statistics


def load_builtin(weights: Weights) -> Statistics:
    """Return the statistics that come with this package for `weights`; raises `StatisticsUnusable` if none do."""
    name = "choi-2017.json"
    statistics = parse(
        resources.files("soundalike.extractor.models").joinpath("data", name).read_text(encoding="utf-8")
    )
    if statistics.weights_sha256 != weights.sha256:
        raise StatisticsUnusable(
            f"the statistics in {name} belong to weights {statistics.weights_sha256[:8]}, not to "
            f"{weights.sha256[:8]}; measure them again with measure-statistics"
        )
    return statistics


def _rows(array: NDArray[np.float32]) -> str:
    # NumPy writes the shortest decimal that names the same float32; one line a layer keeps the file readable.
    rows = (f"  [{', '.join(str(value) for value in row)}]" for row in array.astype(np.float32))
    return "[\n" + ",\n".join(rows) + "\n ]"
