"""A model: weights, statistics and preprocessing under one id; vectors of one id are comparable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.extractor.architecture import DIMENSIONS
from soundalike.extractor.errors import VectorNotFinite
from soundalike.extractor.network import Network
from soundalike.extractor.spectrogram import fit_length
from soundalike.extractor.tagger import tag_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.tagger import MeanTagProbabilities
    from soundalike.extractor.weights import Weights

PREPROCESSING: Final = "p2"
"""Incremented by every change of excerpt, mixing, resampling or spectrogram that moves the vectors."""

FORMER_PREPROCESSING: Final = "p1"
"""That of one excerpt: it moved the vectors of longer files, and of a few with silence or opposed channels."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingBatch:
    """The embeddings of n clips: `vectors` float32 [n, 160], and `tags` float32 [n, 50], probabilities.

    `tags` is in the order of `domain.tags`, and None where the model has none.
    """

    vectors: NDArray[np.float32]
    tags: NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, eq=False)
class RecordingEmbedding:
    """The embedding of a recording: the means over its excerpts, each weighted by its length.

    `vector` float32 [160] is the mean of the raw vectors, from which a projection may start as from that of a preview;
    `tags` float32 [50] the mean of the probabilities, so that their means over much music stay what they are for single
    excerpts. `tags` is None where the model has none.
    """

    vector: NDArray[np.float32]
    tags: NDArray[np.float32] | None


class Model:
    """Turns samples into vectors of one model id; may be used from several threads."""

    dimensions: Final = DIMENSIONS

    def __init__(
        self,
        weights: Weights,
        statistics: Statistics | None,
        mean_tag_probabilities: MeanTagProbabilities | None = None,
    ) -> None:
        self.weights = weights
        self.statistics = statistics
        self.mean_tag_probabilities = mean_tag_probabilities
        self.id = model_id(weights, statistics)
        self.predecessor_id = model_id(weights, statistics, FORMER_PREPROCESSING)
        self._network = Network(weights, statistics)

    @property
    def has_tags(self) -> bool:
        """Whether there are tags; normalised by each clip's own statistics the tagger's input hardly varies."""
        return self.weights.tags is not None and self.statistics is not None

    def embed(self, clips: NDArray[np.float32] | Sequence[NDArray[np.float32]]) -> EmbeddingBatch:
        """Embed n clips at 12 kHz, each of any length (see `spectrogram.fit_length`).

        Raises `VectorNotFinite`.
        """
        # One clip at a time is fastest on a CPU: the first block's values stay in the cache.
        repeat = self.statistics is not None
        vectors = [self._network(fit_length(clip, repeat=repeat)[np.newaxis])[0] for clip in clips]
        stacked = np.stack(vectors) if vectors else np.empty((0, DIMENSIONS), np.float32)
        if not np.isfinite(stacked).all():
            raise VectorNotFinite("the network's output is not a vector of finite numbers")
        head = self.weights.tags if self.has_tags else None
        return EmbeddingBatch(stacked, None if head is None else tag_probabilities(stacked, head))

    def embed_recording(self, excerpts: Sequence[NDArray[np.float32]]) -> RecordingEmbedding:
        """Embed the excerpts of one recording; raises `VectorNotFinite`."""
        batch = self.embed(excerpts)
        lengths = [len(excerpt) for excerpt in excerpts]
        tags = None if batch.tags is None else _mean(batch.tags, lengths)
        return RecordingEmbedding(_mean(batch.vectors, lengths), tags)


def _mean(rows: NDArray[np.float32], weights: Sequence[int]) -> NDArray[np.float32]:
    if len(rows) == 1:
        return np.asarray(rows[0])
    return np.asarray(np.average(rows.astype(np.float64), axis=0, weights=weights), dtype=np.float32)


def model_id(weights: Weights, statistics: Statistics | None, preprocessing: str = PREPROCESSING) -> str:
    """Return an id that can be part of an S3 key and is unique to the model."""
    parts = ["clip", weights.sha256[:8]] if statistics is None else ["fixed", weights.sha256[:8], statistics.sha256[:8]]
    return "-".join([weights.name, *parts, preprocessing])
