"""Search in an index: an engine returns candidates, exact cosines rank them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.similarity.index.errors import InvalidQuery, VersionClosed
from soundalike.storage.artifacts.errors import CorruptVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from soundalike.similarity.index.engine import Engine

# The engine compares leading dimensions only, so the true nearest may come late among its candidates; measured on
# 100,000 and 1,000,000 vectors: sixty contain the true ten, twice as many as requested contain the rest.
_MIN_CANDIDATES: Final = 60
_OVER_FETCH: Final = 2
# From this share of all vectors on, an exact search is faster.
_EXACT_SEARCH_SHARE: Final = 0.25
_BLOCK_ROWS: Final = 65_536


class IndexSearch:
    """An engine with its vectors (float32 [n, d], unit length), of whose first s dimensions it was built.

    Threads may search at the same time; `close` does not wait, the last running search unmaps the file.
    Raises `CorruptVersion` when the engine holds another number of vectors.
    """

    def __init__(self, engine: Engine, vectors: NDArray[np.float32], *, search_dimensions: int) -> None:
        self._vectors = vectors
        self._search_dimensions = search_dimensions
        self._engine = engine
        if len(engine) != len(vectors):
            raise CorruptVersion(f"the index has {len(engine)} items for {len(vectors)} vectors")
        self._lock = threading.Lock()
        self._searches = 0
        self._closed = False

    def nearest(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows and cosines of the at most `k` vectors nearest to `query` [d], best first.

        Equal cosines come in the order of their rows. Raises `InvalidQuery`, `VersionClosed`.
        """
        query = self._validate(query)
        count = len(self._vectors)
        candidates = min(count, max(_MIN_CANDIDATES, _OVER_FETCH * k))
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        with self._in_use():
            if candidates >= _EXACT_SEARCH_SHARE * count:
                rows = np.arange(count)
            else:
                rows = self._engine.nearest(query[: self._search_dimensions], candidates)
            similarities = cosines(self._vectors[rows], query)
        best = np.lexsort((rows, -similarities))[:k]
        return rows[best], similarities[best]

    def set_effort(self, effort: int) -> None:
        """Let every later search cost this much (`similarity.index.engine.Engine`)."""
        self._engine.effort = effort

    def close(self) -> None:
        """Accept no more searches and unmap the file once the last one has ended."""
        with self._lock:
            again, self._closed = self._closed, True
            last = self._is_finished() and not again
        if last:
            self._engine.close()

    def _is_finished(self) -> bool:
        return self._closed and self._searches == 0

    def _validate(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        query = np.asarray(query, dtype=np.float32)
        if query.shape != self._vectors.shape[1:]:
            raise InvalidQuery(f"expected a vector [{self._vectors.shape[1]}], got {list(query.shape)}")
        if not np.isfinite(query).all():
            raise InvalidQuery("the query vector holds values that are not finite")
        return query

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise VersionClosed("this index version was closed")
            self._searches += 1
        try:
            yield
        finally:
            with self._lock:
                self._searches -= 1
                last = self._is_finished()
            if last:
                self._engine.close()


def exact_nearest(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows and cosines, both [q, min(k, n)], of the nearest `vectors` [n, d] to `queries` [q, d], best first.

    Both are of unit length, `k` is at least 1. Looks at every vector, block by block, so a memory-mapped array may
    exceed the memory. Which of several equal cosines make it into the last places is left open.
    """
    best_rows = np.empty((len(queries), 0), np.int64)
    best_cosines = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        block = cosines(queries, np.asarray(vectors[start : start + _BLOCK_ROWS]).T)
        rows = np.argpartition(-block, min(k, block.shape[1]) - 1, axis=1)[:, :k]
        best_rows = np.concatenate([best_rows, rows + start], axis=1)
        best_cosines = np.concatenate([best_cosines, np.take_along_axis(block, rows, axis=1)], axis=1)
        order = np.lexsort((best_rows, -best_cosines), axis=1)[:, :k]
        best_rows = np.take_along_axis(best_rows, order, axis=1)
        best_cosines = np.take_along_axis(best_cosines, order, axis=1)
    return best_rows, best_cosines


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the products of vectors of unit length, kept between -1 and 1."""
    products: NDArray[np.float32] = left @ right
    return np.clip(products, np.float32(-1.0), np.float32(1.0))
