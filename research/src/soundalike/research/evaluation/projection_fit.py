"""What is done to raw vectors before they are compared, fitted on other tracks than it is judged on."""

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
class Training:
    """What may be fitted on: raw `vectors` [m, D], the `albums` int [m], and `groups` int [m] that stay together."""

    vectors: Vectors
    albums: NDArray[np.integer]
    groups: NDArray[np.integer]

    def part(self, chosen: NDArray[np.bool_]) -> Training:
        """Return some of the tracks."""
        return Training(self.vectors[chosen], self.albums[chosen], self.groups[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """From raw vectors [n, D] to those whose cosine is taken, [n, d]; `note` says what was chosen in fitting."""

    place: Callable[[Vectors], Vectors]
    note: str = ""


class Fit(Protocol):
    """Learns a space."""

    def __call__(self, training: Training, seed: int) -> Space:
        """Fit on `training` and on nothing else."""


def as_is(vectors: Vectors) -> Vectors:
    """Leave raw vectors raw."""
    return vectors


def half_whitened(training: Training, seed: int) -> Space:  # noqa: ARG001 - nothing is drawn
    """Fit the projection that the platform ships: z-score, 128 principal components, divide by eigenvalue ** 0.25."""
    projection = EmbeddingProjection().fit(training.vectors).projection_
    return Space(lambda vectors: projection.apply_exactly(np.asarray(vectors, dtype=np.float64)))


def as_shipped(projection: Projection) -> Fit:
    """Take a projection that is there already and fit nothing."""
    space = Space(lambda vectors: projection.apply_exactly(np.asarray(vectors, dtype=np.float64)))
    return lambda training, seed: space  # noqa: ARG005 - nothing is fitted


def held_out(
    everything: Training, fit: Callable[[Training], Fitted], folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], Fitted]]:
    """Yield, for each fold, the tracks int64 [q] to judge and what was fitted on the groups of the other folds."""
    fold_of = divide(everything.groups, folds, seed)
    for fold in range(folds):
        judged = fold_of == fold
        yield np.flatnonzero(judged), fit(everything.part(~judged))
