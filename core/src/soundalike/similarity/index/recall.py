"""How well an index finds, and the smallest effort with which it finds well enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.similarity.index.search import exact_nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from soundalike.similarity.index.search import SpaceSearch

    Nearest = Callable[[NDArray[np.float32], int], tuple[NDArray[np.int64], NDArray[np.float32]]]

_NEIGHBOURS: Final = 10
# Two float32 cosines closer than this are one and the same neighbour as far as anybody can tell.
_TIE: Final = 1e-6
# A goal met by a hair on one sample of queries is missed on another.
_MARGIN: Final = 0.004
# How far the effort that is chosen may lie above the smallest that does: three halvings of a factor of two.
_HALVINGS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """Queries out of `vectors` with the cosine of the true tenth neighbour of each; found once, for many efforts.

    A query's own row is left out on both sides. Neighbours as near as the true tenth count as found, since which of
    several equal vectors comes first is no question of quality. Where there are fewer than eleven vectors all of
    them are asked for; of a single one everything is found.
    """

    vectors: NDArray[np.float32]
    rows: NDArray[np.int64]
    thresholds: NDArray[np.float32]
    wanted: int

    @classmethod
    def of(cls, vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Self:
        """Search exactly for the neighbours of `rows` [q] among `vectors` [n, d]."""
        wanted = min(_NEIGHBOURS, len(vectors) - 1)
        if wanted == 0:
            return cls(vectors, rows, np.empty(0, np.float32), 0)
        near_rows, near = exact_nearest(vectors, np.asarray(vectors[rows]), wanted + 1)
        tenth = [cosine[others != row][:wanted][-1] for row, others, cosine in zip(rows, near_rows, near, strict=True)]
        return cls(vectors, rows, np.asarray(tenth, np.float32), wanted)

    def recall(self, search: SpaceSearch) -> float:
        """Return the share of the true ten nearest neighbours that the search finds."""
        return self.found_by(search.nearest)

    def found_by(self, nearest: Nearest) -> float:
        """Return that share for any search that takes a vector [d] and k, and returns rows and cosines, best first."""
        return self.share([nearest(self.vectors[row], self.wanted + 1) for row in self.rows])

    def share(self, answers: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> float:
        """Return that share for what was found for each of the rows: rows and cosines, best first."""
        if self.wanted == 0:
            return 1.0
        found = 0
        for row, threshold, (got, near) in zip(self.rows, self.thresholds, answers, strict=True):
            found += int((near[got != row][: self.wanted] >= threshold - _TIE).sum())
        return found / (self.wanted * len(self.rows))


def tune(search: SpaceSearch, yardstick: Yardstick, *, first: int, goal: float, doublings: int) -> tuple[int, float]:
    """Return the smallest effort that meets the recall goal with a margin, to about a tenth, and the recall it gives.

    Begins at `first`, doubles at most `doublings` times, then halves the last step. Where no effort will do, the last
    one tried comes back.
    """
    wanted = min(1.0, goal + _MARGIN)

    def measured(effort: int) -> float:
        search.set_effort(effort)
        return yardstick.recall(search)

    low, effort, recall = 0, first, measured(first)
    for _ in range(doublings):
        if recall >= wanted:
            break
        low, effort = effort, 2 * effort
        recall = measured(effort)
    for _ in range(_HALVINGS if low and recall >= wanted else 0):
        between = (low + effort) // 2
        found = measured(between)
        if found >= wanted:
            effort, recall = between, found
        else:
            low = between
    search.set_effort(effort)
    return effort, recall
