"""The vectors that are newer than the index version, in memory, searched exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.similarity.index.version import Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from soundalike.db.embeddings import StoredVector
    from soundalike.similarity.projection import Projection

_FIRST_ROWS: Final = 256
_BELOW_ALL: Final = np.float32(-2.0)


@dataclass(frozen=True, slots=True, eq=False)
class TailView:
    """The tail as it was at one moment; it stays so while the tail grows.

    `vectors` is float32 [n, d] of unit length. `alive` [n] is False in rows whose track was extracted again later or
    forgotten, `count` the number of the others. `urns`, `first_rows` and `last_rows` are shared with the tail, which
    only ever appends to them: what lies behind row n is newer.
    """

    vectors: NDArray[np.float32]
    alive: NDArray[np.bool_]
    count: int
    urns: Sequence[str]
    first_rows: Mapping[str, int]
    last_rows: Mapping[str, int]
    total: NDArray[np.float64]

    def __len__(self) -> int:
        return self.count

    def __contains__(self, urn: str) -> bool:
        return self.first_rows.get(urn, len(self.alive)) < len(self.alive)

    @property
    def centre(self) -> NDArray[np.float32]:
        """The mean [d] of every vector that was ever added; zeros for an empty tail."""
        mean: NDArray[np.float32] = (self.total / max(1, len(self.alive))).astype(np.float32)
        return mean

    def search(self, query: NDArray[np.float32], k: int) -> list[Match]:
        """Return the at most `k` tracks nearest to a projected vector (float32 [d], unit length), best first."""
        count = min(k, self.count)
        if count <= 0:
            return []
        # A row that does not count lies behind every cosine, so that it is never among the results.
        cosines = np.where(self.alive, np.clip(self.vectors @ query, -1.0, 1.0), _BELOW_ALL)
        rows = np.argpartition(-cosines, count - 1)[:count] if count < len(cosines) else np.arange(len(cosines))
        best = rows[np.lexsort((rows, -cosines[rows]))]
        return [
            Match(self.urns[row], cosine) for row, cosine in zip(best.tolist(), cosines[best].tolist(), strict=True)
        ]

    def rows_of(self, urns: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows [n] of tracks in `vectors`, -1 for one that the tail does not hold."""
        if not self.first_rows:
            return np.full(len(urns), -1, dtype=np.int64)
        return np.array([self._row(urn) for urn in urns], dtype=np.int64)

    def _row(self, urn: str) -> int:
        end = len(self.alive)
        for rows in (self.last_rows, self.first_rows):
            row = rows.get(urn, end)
            if row < end:
                return row
        return -1


class Tail:
    """A growing set of projected vectors, newest write of each track only; changed by one task, viewed by many."""

    def __init__(self, projection: Projection, after_seq: int) -> None:
        self.last_seq = after_seq
        self._projection = projection
        self._vectors = np.empty((_FIRST_ROWS, projection.dimensions), np.float32)
        self._alive = np.empty(0, np.bool_)
        self._urns: list[str] = []
        self._first_rows: dict[str, int] = {}
        self._last_rows: dict[str, int] = {}
        self._total = np.zeros(projection.dimensions)

    def extend(self, vectors: Sequence[StoredVector]) -> None:
        """Add raw vectors, oldest first; adds none and raises `similarity.errors.InvalidVectors` if one is unusable."""
        if not vectors:
            return
        projected = self._projection.apply(np.stack([each.vector for each in vectors]))
        self._make_room(len(vectors))
        start = len(self._urns)
        self._vectors[start : start + len(vectors)] = projected
        # A view keeps the mask it was made with, so the mask is replaced and never written to.
        alive = np.concatenate([self._alive, np.ones(len(vectors), np.bool_)])
        for row, each in enumerate(vectors, start):
            if each.urn in self._last_rows:
                alive[self._last_rows[each.urn]] = False
            self._last_rows[each.urn] = row
            self._first_rows.setdefault(each.urn, row)
            self._urns.append(each.urn)
        self._alive = alive
        self._total = self._total + projected.sum(axis=0, dtype=np.float64)
        self.last_seq = vectors[-1].seq

    def forget(self, urns: Iterable[str]) -> None:
        """Take tracks out of what is searched."""
        rows = [self._last_rows[urn] for urn in urns if urn in self._last_rows]
        if rows:
            alive = self._alive.copy()
            alive[rows] = False
            self._alive = alive

    def view(self) -> TailView:
        """Return the tail as it is now."""
        return TailView(
            vectors=self._vectors[: len(self._urns)],
            alive=self._alive,
            count=int(np.count_nonzero(self._alive)),
            urns=self._urns,
            first_rows=self._first_rows,
            last_rows=self._last_rows,
            total=self._total,
        )

    def _make_room(self, more: int) -> None:
        if len(self._urns) + more <= len(self._vectors):
            return
        # Views go on looking at the arrays that are left behind, so the dead rows can be dropped on the way.
        rows = np.flatnonzero(self._alive)
        larger = np.empty((2 * (len(rows) + more), self._vectors.shape[1]), np.float32)
        larger[: len(rows)] = self._vectors[rows]
        self._vectors = larger
        self._urns = [self._urns[row] for row in rows]
        self._last_rows = {urn: row for row, urn in enumerate(self._urns)}
        self._first_rows = dict(self._last_rows)
        self._alive = np.ones(len(rows), np.bool_)
        self._total = larger[: len(rows)].sum(axis=0, dtype=np.float64)
