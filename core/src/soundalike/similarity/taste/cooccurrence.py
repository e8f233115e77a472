"""How similar tracks are by who favourites them; the only module that needs `implicit` and scipy.

They are loaded when a version is built: the similarity index does not wait for them, nor fail where they cannot load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundalike.similarity.taste.errors import TooFewFavorites

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from soundalike.similarity.taste.favorite_pairs import FavoritePairs
    from soundalike.similarity.taste.manifest import Method


@dataclass(frozen=True, slots=True)
class CooccurrenceParameters:
    """The method by which tracks are compared, and how many neighbours each keeps.

    `k1` and `b` are those of BM25 (Robertson, Zaragoza 2009), with users as terms and tracks as documents. Tracks with
    fewer than `min_fans` and users with more than `max_favorites` are left out. `jobs` threads, 0 for one a core.
    """

    method: Method = "bm25"
    neighbours: int = 100
    k1: float = 0.1
    b: float = 0.5
    min_fans: int = 2
    max_favorites: int = 5_000
    jobs: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The neighbours of n tracks: starts int64 [n + 1], numbers int32 [m], similarities float32 [m], best first.

    `background` is the mean similarity of two of the tracks, most of which have no favourite in common.
    """

    starts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    similarities: NDArray[np.float32]
    background: float


def find_neighbours(pairs: FavoritePairs, parameters: CooccurrenceParameters) -> Neighbours:
    """Return the most similar tracks of every track; raises `TooFewFavorites` where no two have a fan in common."""
    count = len(pairs.urns)
    if count < 2:
        raise TooFewFavorites(f"{count} tracks have {parameters.min_fans} favourites or more; two are needed")
    from implicit.nearest_neighbours import all_pairs_knn

    weighted = _weight_matrix(pairs, parameters)
    # Each track is most similar to itself, or nearly so, and that pair is left out below.
    matrix = all_pairs_knn(
        weighted.T.tocsr(), K=parameters.neighbours + 1, num_threads=parameters.jobs, show_progress=False
    ).tocoo()
    others = (matrix.row != matrix.col) & (matrix.data > 0)
    rows, columns, values = matrix.row[others], matrix.col[others], matrix.data[others]
    if not len(rows):
        raise TooFewFavorites("no two tracks have a favourite in common")
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    first = np.searchsorted(rows, np.arange(count))
    selected = np.arange(len(rows)) - first[rows] < parameters.neighbours
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows[selected], minlength=count))])
    return Neighbours(
        starts.astype(np.int64),
        columns[selected].astype(np.int32),
        values[selected].astype(np.float32),
        _background(weighted),
    )


def _weight_matrix(pairs: FavoritePairs, parameters: CooccurrenceParameters) -> sparse.csr_matrix:
    """Return tracks by users, float64 [n, u], whose products are the similarities."""
    from implicit.nearest_neighbours import bm25_weight, normalize, tfidf_weight
    from scipy import sparse

    ones = np.ones(len(pairs.users))
    counts = sparse.coo_matrix((ones, (pairs.tracks, pairs.users)))
    if parameters.method == "bm25":
        return bm25_weight(counts, K1=parameters.k1, B=parameters.b).tocsr()
    if parameters.method == "tfidf":
        return normalize(tfidf_weight(counts)).tocsr()
    return normalize(counts).tocsr()


def _background(weighted: sparse.csr_matrix) -> float:
    count = weighted.shape[0]
    together = np.square(np.asarray(weighted.sum(axis=0))).sum()
    alone = np.square(weighted.data).sum()
    return float((together - alone) / (count * (count - 1)))
