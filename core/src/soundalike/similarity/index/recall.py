"""The recall of an index, and the smallest effort that meets a recall goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.similarity.index.search import exact_nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from soundalike.similarity.index.search import IndexSearch

    Nearest = Callable[[NDArray[np.float32], int], tuple[NDArray[np.int64], NDArray[np.float32]]]

_NEIGHBOURS: Final = 10
# Two float32 cosines closer than this are considered equal.
_TIE: Final = 1e-6
# A goal met by a hair on one sample of queries is missed on another.
_MARGIN: Final = 0.004
# How far the effort that is chosen may lie above the smallest that does: three halvings of a factor of two.
_HALVINGS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class RecallBenchmark:
    """Queries out of `vectors` with the cosine of the true tenth neighbour of each; computed once, for many efforts.

    A query's own row is left out on both sides. Neighbours as near as the true tenth count as found, since which of
    several equal vectors comes first is no question of quality. Where there are fewer than eleven vectors all of
    the others are searched for (`neighbours` of them); of a single vector the recall is 1.
    """

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    thresholds: NDArray[np.float32]
    neighbours: int

    @classmethod
    def of(cls, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Self:
        """Search exactly for the neighbours of `rows` [q] among `vectors` [n, d]."""
        neighbours = min(_NEIGHBOURS, len(vectors) - 1)
        if neighbours == 0:
            return cls(vectors, rows, np.empty(0, np.float32), 0)
        near_rows, near = exact_nearest(vectors, np.asarray(vectors[rows]), neighbours + 1)
        tenth = [
            cosine[others != row][:neighbours][-1] for row, others, cosine in zip(rows, near_rows, near, strict=True)
        ]
        return cls(vectors, rows, np.asarray(tenth, np.float32), neighbours)

    def recall(self, search: IndexSearch) -> float:
        """Return the share of the true ten nearest neighbours that the search finds."""
        return self.recall_of(search.nearest)

    def recall_of(self, nearest: Nearest) -> float:
        """Return that share for any search that takes a vector [d] and k, and returns rows and cosines, best first."""
        return self.recall_of_results([nearest(self.vectors[row], self.neighbours + 1) for row in self.rows])

    def recall_of_results(self, results: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> float:
        """Return that share for the results of each of the rows: rows and cosines, best first."""
        if self.neighbours == 0:
            return 1.0
        hits = 0
        for row, threshold, (result_rows, cosines) in zip(self.rows, self.thresholds, results, strict=True):
            hits += int((cosines[result_rows != row][: self.neighbours] >= threshold - _TIE).sum())
        return hits / (self.neighbours * len(self.rows))


def tune_effort(
    search: IndexSearch, benchmark: RecallBenchmark, *, first: int, goal: float, doublings: int
) -> tuple[int, float]:
    """Return the smallest effort that meets the recall goal with a margin, to about a tenth, and the recall it gives.

    Begins at `first`, doubles at most `doublings` times, then halves the last step. Where no effort is enough, returns
    the last one tried.
    """
    required = min(1.0, goal + _MARGIN)

    def measure(effort: int) -> float:
        search.set_effort(effort)
        return benchmark.recall(search)

    low, effort, recall = 0, first, measure(first)
    for _ in range(doublings):
        if recall >= required:
            break
        low, effort = effort, 2 * effort
        recall = measure(effort)
    for _ in range(_HALVINGS if low and recall >= required else 0):
        middle = (low + effort) // 2
        middle_recall = measure(middle)
        if middle_recall >= required:
            effort, recall = middle, middle_recall
        else:
            low = middle
    search.set_effort(effort)
    return effort, recall
