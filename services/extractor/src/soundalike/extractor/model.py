"""A model: weights, statistics and preprocessing under one id, of which vectors are comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor.architecture import DIMENSIONS
from soundalike.extractor.errors import VectorNotFinite
from soundalike.extractor.network import Network
from soundalike.extractor.spectrogram import prepare
from soundalike.extractor.tagger import tag_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.tagger import UsualTags
    from soundalike.extractor.weights import Weights

PREPROCESSING: Final = "p1"
"""Counted up by every change of excerpt, mixing, resampling or spectrogram that moves the vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What a model makes of n clips: `vectors` float32 [n, 160], and `tags` float32 [n, 50], probabilities.

    `tags` is in the order of `domain.tags`, and None where the model says none.
    """

    vectors: NDArray[np.float32]
    tags: NDArray[np.float32] | None


class Model:
    """Turns samples into vectors of one model id; may be used from several threads."""

    dimensions: Final = DIMENSIONS

    def __init__(self, given: Weights, fixed: Statistics | None, usual: UsualTags | None = None) -> None:
        self.weights = given
        self.statistics = fixed
        self.usual_tags = usual
        self.id = model_id(given, fixed)
        self._network = Network(given, fixed)

    @property
    def says_tags(self) -> bool:
        """Whether there are tags; normalised by each clip's own statistics the tagger's layer hears hardly anything."""
        return self.weights.tags is not None and self.statistics is not None

    def embed(self, clips: NDArray[np.float32] | Sequence[NDArray[np.float32]]) -> Embedded:
        """Hear n clips at 12 kHz, each of any length (see `spectrogram.prepare`).

        Raises `VectorNotFinite`.
        """
        # One clip at a time is fastest on a CPU: the first block's values stay in the cache.
        repeat = self.statistics is not None
        vectors = [self._network(prepare(clip, repeat=repeat)[np.newaxis])[0] for clip in clips]
        stacked = np.stack(vectors) if vectors else np.empty((0, DIMENSIONS), np.float32)
        if not np.isfinite(stacked).all():
            raise VectorNotFinite("the network's answer to it is not a vector of finite numbers")
        head = self.weights.tags if self.says_tags else None
        return Embedded(stacked, None if head is None else tag_probabilities(stacked, head))


def model_id(given: Weights, fixed: Statistics | None) -> str:
    """Name a model so that the name can be part of an S3 key, and so that two that differ never share it."""
    parts = ["clip", given.sha256[:8]] if fixed is None else ["fixed", given.sha256[:8], fixed.sha256[:8]]
    return "-".join([given.name, *parts, PREPROCESSING])
