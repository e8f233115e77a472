"""The tags that the network's last layer says, and what it says of music on average."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.domain.tags import NAMES
from soundalike.extractor.architecture import CHANNELS
from soundalike.extractor.errors import StatisticsUnusable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import TagHead, Weights


@dataclass(frozen=True, slots=True, eq=False)
class UsualTags:
    """The mean of each tag's probability (float32 [50]) over a corpus, said by one model."""

    probabilities: NDArray[np.float32]
    weights_sha256: str
    statistics_sha256: str
    clips: int
    corpus: str
    command: str

    def to_json(self) -> str:
        """Write the numbers beside the names of their tags."""
        content = {
            "corpus": self.corpus,
            "command": self.command,
            "clips": self.clips,
            "weights_sha256": self.weights_sha256,
            "statistics_sha256": self.statistics_sha256,
            "usual": {name: round(float(value), 6) for name, value in zip(NAMES, self.probabilities, strict=True)},
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def tag_probabilities(vectors: NDArray[np.float32], head: TagHead) -> NDArray[np.float32]:
    """Return each tag's probability, float32 [n, 50], for vectors [n, 160]: the tagger reads the last block."""
    logits = vectors[:, -CHANNELS:] @ head.kernel + head.bias
    # The logistic function without its overflow.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)


def parse(text: str) -> UsualTags:
    """Read what `UsualTags.to_json` wrote; raises `StatisticsUnusable`."""
    try:
        content: dict[str, Any] = json.loads(text)
        usual = UsualTags(
            probabilities=np.asarray([content["usual"][name] for name in NAMES], dtype=np.float32),
            weights_sha256=str(content["weights_sha256"]),
            statistics_sha256=str(content["statistics_sha256"]),
            clips=int(content["clips"]),
            corpus=str(content["corpus"]),
            command=str(content["command"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StatisticsUnusable(f"the file of usual tags cannot be understood: {error!r}") from error
    if not ((usual.probabilities >= 0) & (usual.probabilities <= 1)).all():
        raise StatisticsUnusable("a usual tag's probability does not lie between 0 and 1")
    return usual


def shipped(weights: Weights, statistics: Statistics) -> UsualTags:
    """Return what comes with this package for the published network; raises `StatisticsUnusable` for any other."""
    name = "choi-2017-tags.json"
    usual = parse(resources.files("soundalike.extractor.models").joinpath("data", name).read_text(encoding="utf-8"))
    if (usual.weights_sha256, usual.statistics_sha256) != (weights.sha256, statistics.sha256):
        raise StatisticsUnusable(f"the tags in {name} belong to another model; measure them anew with measure-tags")
    return usual
