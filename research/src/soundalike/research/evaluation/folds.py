"""Folds: which tracks a system is fitted on, and which it is evaluated on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from soundalike.research.evaluation.errors import TooLittleData

if TYPE_CHECKING:
    from numpy.typing import NDArray


def link(albums: NDArray[np.integer], artists: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the group of each track, int64 [n]: tracks that share an album or an artist, directly or by others.

    `artists` [n] is negative where the artist is not known.
    """
    known = np.flatnonzero(artists >= 0)
    named = len(np.unique(albums))
    nodes = np.unique(albums, return_inverse=True)[1]
    others = named + np.unique(artists[known], return_inverse=True)[1]
    size = named + len(known)
    graph = coo_array((np.ones(len(known)), (nodes[known], others)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][nodes], dtype=np.int64)


def divide(groups: NDArray[np.integer], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each track, int64 [n], so that no group is in two folds and all have about as many tracks.

    Groups are shuffled by `seed`, then the largest go first, each to the smallest fold. Raises `TooLittleData` where
    there are fewer groups than folds.
    """
    names, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if folds < 2:
        raise ValueError("at least two folds are needed to fit and evaluate on different tracks")
    if len(names) < folds:
        raise TooLittleData(f"{len(names)} groups of albums cannot be divided into {folds} folds")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = np.empty(len(names), dtype=np.int64)
    sizes = np.zeros(folds, dtype=np.int64)
    for name in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
        fold_of[name] = sizes.argmin()
        sizes[fold_of[name]] += counts[name]
    return fold_of[group]
