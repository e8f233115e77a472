"""Rankings: from similarities to an order of tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.research.evaluation.errors import TooLittleData
from soundalike.similarity.projection import unit_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECIMALS: Final = 12
"""Cosines that differ by less are the same number, computed twice."""


def cosines(queries: NDArray[np.floating], tracks: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cosines float64 [q, n] of vectors [q, d] and [n, d]; a vector without direction has 0 with all.

    Raises `TooLittleData` for values that are not finite.
    """
    if not (np.isfinite(queries).all() and np.isfinite(tracks).all()):
        raise TooLittleData("the vectors hold values that are not finite")
    left, right = (unit_length(np.asarray(vectors, dtype=np.float64)) for vectors in (queries, tracks))
    return np.round(left @ right.T, _DECIMALS)


def order_others(
    similarities: NDArray[np.floating], queries: NDArray[np.integer], tie_order: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return, for each query, all other tracks, the most similar first: int64 [q, n - 1] for similarities [q, n].

    `queries` [q] is the track of each row; it is left out. `tie_order` [n] is a permutation by which equally similar
    tracks are listed: one that is independent of albums, so that no system gains by ties.
    """
    count = similarities.shape[1]
    if count < 2:
        raise TooLittleData("a single track has no neighbours")
    if not np.array_equal(np.sort(tie_order), np.arange(count)):
        raise ValueError("tie_order must be a permutation of the tracks")
    within = np.argsort(-similarities[:, tie_order], axis=1, kind="stable")
    order = tie_order[within]
    others = order[order != queries[:, np.newaxis]]
    return np.asarray(others.reshape(len(queries), count - 1), dtype=np.int64)


def self_ranks(similarities: NDArray[np.floating], own: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the rank, from 1, of track `own` [q] among all tracks, int64 [q] for similarities [q, n].

    A tie counts against it: a system that cannot distinguish tracks finds none.
    """
    values = similarities[np.arange(len(own)), own]
    return np.asarray((similarities >= values[:, np.newaxis]).sum(axis=1), dtype=np.int64)
