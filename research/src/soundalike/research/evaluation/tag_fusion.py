"""The tags of the same network as a second view in one vector.

A weighted sum of cosines is one cosine of scaled, concatenated unit vectors, so a fused vector is searched like any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from soundalike.extractor.tagger import tag_probabilities
from soundalike.research.evaluation.corpus import is_query
from soundalike.research.evaluation.metrics import average_precision
from soundalike.research.evaluation.projection_fit import (
    EmbeddingSpace,
    SpaceFit,
    TrainingVectors,
    cross_validate,
    fit_half_whitening,
)
from soundalike.research.evaluation.ranking import cosines, order_others
from soundalike.similarity.projection import unit_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from soundalike.extractor.weights import TagHead

    Vectors = NDArray[np.floating]
    View = Callable[[Vectors], Vectors]

TagScale = Literal["root", "z"]
WEIGHTS: Final = (0.1, 0.2, 0.3, 0.5)
INNER_FOLDS: Final = 4


def fit_tags_alone(head: TagHead, scale: TagScale) -> SpaceFit:
    """Return the fit of the tags as the only view: roots of the probabilities, or their z-scores."""

    def fit(training: TrainingVectors, seed: int) -> EmbeddingSpace:  # noqa: ARG001 - nothing is drawn
        return EmbeddingSpace(_tag_view(training.vectors, head, scale))

    return fit


@dataclass(frozen=True, slots=True, eq=False)
class TagFusion:
    """Half-whitened vectors and tags, the weight of the tags selected from `weights` inside the training tracks.

    The selection is by MAP in folds of the training tracks; where these are too few to be divided, the first is used.
    """

    head: TagHead
    scale: TagScale
    weights: tuple[float, ...] = WEIGHTS

    def __call__(self, training: TrainingVectors, seed: int) -> EmbeddingSpace:
        """Fit both views and select the weight."""
        weight = self.weights[0] if len(self.weights) == 1 else self._best(training, seed)
        sound, tags = self._views(training)

        def transform(vectors: Vectors) -> Vectors:
            return np.hstack([np.sqrt(1 - weight) * sound(vectors), np.sqrt(weight) * tags(vectors)])

        return EmbeddingSpace(transform, note=f"{weight:g}")

    def _best(self, training: TrainingVectors, seed: int) -> float:
        queries_mask = is_query(training.albums)
        folds = min(INNER_FOLDS, len(np.unique(training.groups)))
        if folds < 2 or not queries_mask.any():
            return self.weights[0]
        ties = np.arange(len(training.albums))
        totals = np.zeros(len(self.weights))
        for rows, views in cross_validate(training, self._views, folds, seed):
            queries = rows[queries_mask[rows]]
            if not len(queries):
                continue
            transformed = [view(training.vectors) for view in views]
            sound, tags = (cosines(vectors[queries], vectors) for vectors in transformed)
            for number, weight in enumerate(self.weights):
                order = order_others((1 - weight) * sound + weight * tags, queries, ties)
                relevant = training.albums[order] == training.albums[queries, np.newaxis]
                totals[number] += average_precision(relevant).sum()
        return self.weights[int(np.argmax(totals))]

    def _views(self, training: TrainingVectors) -> tuple[View, View]:
        return fit_half_whitening(training, 0).transform, _tag_view(training.vectors, self.head, self.scale)


def _tag_view(raw: Vectors, head: TagHead, scale: TagScale) -> View:
    def tags(vectors: Vectors) -> NDArray[np.float64]:
        return tag_probabilities(np.asarray(vectors, dtype=np.float32), head).astype(np.float64)

    if scale == "root":
        return lambda vectors: unit_length(np.sqrt(tags(vectors)))
    training_tags = tags(raw)
    mean, deviation = training_tags.mean(axis=0), np.maximum(training_tags.std(axis=0), 1e-9)
    return lambda vectors: unit_length((tags(vectors) - mean) / deviation)
