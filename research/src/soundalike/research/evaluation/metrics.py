"""How early the relevant tracks come: one number for each query, from the relevance of its ranked list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundalike.research.evaluation.errors import TooLittleData

if TYPE_CHECKING:
    from numpy.typing import NDArray


def average_precision(relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return float64 [q] for whole ranked lists, bool [q, n]: the mean precision at the places of the relevant tracks.

    Source: C. Manning, P. Raghavan, H. Schütze: Introduction to Information Retrieval, 2008, section 8.4.
    Raises `TooLittleData` where a query has no relevant track.
    """
    total = _totals(relevant)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    return np.asarray((precision * relevant).sum(axis=1) / total)


def precision_at(relevant: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Return the share of relevant tracks among the first `k`, float64 [q]; a shorter list is filled with misses."""
    _totals(relevant)
    return np.asarray(relevant[:, :k].sum(axis=1) / _depth(k))


def ndcg_at(relevant: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Return the discounted gain of the first `k` over that of the best possible list, float64 [q].

    Source: K. Järvelin, J. Kekäläinen: Cumulated gain-based evaluation of IR techniques, TOIS 2002, with the discount
    1 / log2(place + 1). Raises `TooLittleData` where a query has no relevant track.
    """
    total = np.minimum(_totals(relevant), _depth(k))
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    shown = relevant[:, :k]
    best = np.concatenate([[0.0], np.cumsum(discounts)])
    return np.asarray(shown @ discounts[: shown.shape[1]] / best[total])


def _totals(relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    total = relevant.sum(axis=1)
    if relevant.shape[0] == 0 or not total.all():
        raise TooLittleData("a query without a relevant track cannot be judged")
    return np.asarray(total, dtype=np.int64)


def _depth(k: int) -> int:
    if k < 1:
        raise ValueError(f"a list has at least one place, not {k}")
    return k
