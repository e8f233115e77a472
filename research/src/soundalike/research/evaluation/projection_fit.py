"""Transformations of raw vectors before they are compared, fitted on other tracks than they are evaluated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from soundalike.research.evaluation.folds import divide
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from soundalike.similarity.projection import Projection

    Vectors = NDArray[np.floating]

Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingVectors:
    """Training data: raw `vectors` [m, D], the `albums` int [m], and `groups` int [m] that stay together."""

    vectors: Vectors
    albums: NDArray[np.integer]
    groups: NDArray[np.integer]

    def subset(self, mask: NDArray[np.bool_]) -> TrainingVectors:
        """Return some of the tracks."""
        return TrainingVectors(self.vectors[mask], self.albums[mask], self.groups[mask])


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingSpace:
    """A transformation of raw vectors [n, D] to those whose cosine is taken, [n, d]; `note` is what was selected."""

    transform: Callable[[Vectors], Vectors]
    note: str = ""


class SpaceFit(Protocol):
    """Fits a space."""

    def __call__(self, training: TrainingVectors, seed: int) -> EmbeddingSpace:
        """Fit on `training` and on nothing else."""


def identity(vectors: Vectors) -> Vectors:
    """Leave raw vectors raw."""
    return vectors


def fit_half_whitening(training: TrainingVectors, seed: int) -> EmbeddingSpace:  # noqa: ARG001 - nothing is drawn
    """Fit the projection that the platform ships: z-score, 128 principal components, divide by eigenvalue ** 0.25."""
    projection = EmbeddingProjection().fit(training.vectors).projection_
    return EmbeddingSpace(lambda vectors: projection.apply_exactly(np.asarray(vectors, dtype=np.float64)))


def fixed_projection(projection: Projection) -> SpaceFit:
    """Use a given projection and fit nothing."""
    space = EmbeddingSpace(lambda vectors: projection.apply_exactly(np.asarray(vectors, dtype=np.float64)))
    return lambda training, seed: space  # noqa: ARG005 - nothing is fitted


def cross_validate(
    everything: TrainingVectors, fit: Callable[[TrainingVectors], Fitted], folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], Fitted]]:
    """Yield, for each fold, the tracks int64 [q] to evaluate and the fit on the groups of the other folds."""
    fold_of = divide(everything.groups, folds, seed)
    for fold in range(folds):
        is_test = fold_of == fold
        yield np.flatnonzero(is_test), fit(everything.subset(~is_test))
