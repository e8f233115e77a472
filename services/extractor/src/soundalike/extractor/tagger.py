"""The tag probabilities of the network's last layer, and their means over much music."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.domain.tags import TAG_NAMES
from soundalike.extractor.architecture import CHANNELS
from soundalike.extractor.errors import StatisticsUnusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import TagHead, Weights


@dataclass(frozen=True, slots=True, eq=False)
class MeanTagProbabilities:
    """The mean of each tag's probability (float32 [50]) over a corpus, by one model."""

    probabilities: NDArray[np.float32]
    weights_sha256: str
    statistics_sha256: str
    clips: int
    corpus: str
    command: str

    def to_json(self) -> str:
        """Return JSON with the numbers by the names of their tags."""
        content = {
            "corpus": self.corpus,
            "command": self.command,
            "clips": self.clips,
            "weights_sha256": self.weights_sha256,
            "statistics_sha256": self.statistics_sha256,
            "usual": {name: round(float(value), 6) for name, value in zip(TAG_NAMES, self.probabilities, strict=True)},
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def tag_probabilities(vectors: NDArray[np.float32], head: TagHead) -> NDArray[np.float32]:
    """Return each tag's probability, float32 [n, 50], for vectors [n, 160]: the tagger reads the last block."""
    logits = vectors[:, -CHANNELS:] @ head.kernel + head.bias
    # The logistic function without its overflow.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)


def parse(text: str) -> MeanTagProbabilities:
    """Parse the output of `MeanTagProbabilities.to_json`; raises `StatisticsUnusable`."""
    try:
        content: dict[str, Any] = json.loads(text)
        means = MeanTagProbabilities(
            probabilities=np.asarray([content["usual"][name] for name in TAG_NAMES], dtype=np.float32),
            weights_sha256=str(content["weights_sha256"]),
            statistics_sha256=str(content["statistics_sha256"]),
            clips=int(content["clips"]),
            corpus=str(content["corpus"]),
            command=str(content["command"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StatisticsUnusable(f"the file of mean tag probabilities is invalid: {error!r}") from error
    if not ((means.probabilities >= 0) & (means.probabilities <= 1)).all():
        raise StatisticsUnusable("a mean tag probability is not between 0 and 1")
    return means


def load_builtin(weights: Weights, statistics: Statistics) -> MeanTagProbabilities:
    """Return the means that come with this package for the published network; raises `StatisticsUnusable`."""
    name = "choi-2017-tags.json"
    means = parse(resources.files("soundalike.extractor.models").joinpath("data", name).read_text(encoding="utf-8"))
    if (means.weights_sha256, means.statistics_sha256) != (weights.sha256, statistics.sha256):
        raise StatisticsUnusable(f"the tags in {name} belong to another model; measure them again with measure-tags")
    return means
