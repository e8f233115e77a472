"""Searching a space: Annoy proposes, exact cosines decide."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from space.errors import CorruptVersion, InvalidQuery, VersionClosed

_OVER_FETCH: Final = 2
_BLOCK_ROWS: Final = 65_536


class SpaceSearch:
    """One Annoy file with the vectors (float32 [n, d], unit length) it was built of.

    Threads may search at the same time; `close` waits for nobody, the last search that is under way unmaps the file.
    Raises `CorruptVersion` when Annoy cannot load the file or holds another number of items. Annoy trusts the
    dimension it is told and crashes on a wrong one: check the file against its manifest before.
    """

    def __init__(self, index_file: str | os.PathLike[str], vectors: NDArray[np.float32], *, search_k: int) -> None:
        self._vectors = vectors
        self._search_k = search_k
        self._index = AnnoyIndex(vectors.shape[1], "angular")
        try:
            self._index.load(os.fspath(index_file))
        except OSError as error:
            raise CorruptVersion(f"Annoy cannot load {index_file}: {error}") from error
        if self._index.get_n_items() != len(vectors):
            raise CorruptVersion(f"{index_file} has {self._index.get_n_items()} items for {len(vectors)} vectors")
        self._trees = int(self._index.get_n_trees())
        self._lock = threading.Lock()
        self._searches = 0
        self._closed = False

    def nearest(
        self, query: NDArray[np.float32], k: int, *, search_k: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the rows and cosines of the at most `k` vectors nearest to `query` [d], best first.

        Equal cosines come in the order of their rows. `search_k` overrides what the version was measured with.
        Raises `InvalidQuery`, `VersionClosed`.
        """
        query = self._checked(query)
        count = len(self._vectors)
        fetched = min(count, _OVER_FETCH * k)
        if fetched <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        # Every tree holds an item once, so inspecting this many nodes cannot yield fewer different items.
        inspected = max(search_k or self._search_k, fetched * self._trees)
        with self._in_use():
            rows = np.asarray(self._index.get_nns_by_vector(query, fetched, inspected), dtype=np.int64)
            cosines = _cosines(self._vectors[rows], query)
        best = np.lexsort((rows, -cosines))[:k]
        return rows[best], cosines[best]

    def close(self) -> None:
        """Accept no more searches and unmap the file once the last one has ended."""
        with self._lock:
            again, self._closed = self._closed, True
            last = self._finished() and not again
        if last:
            self._index.unload()

    def _finished(self) -> bool:
        return self._closed and self._searches == 0

    def _checked(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
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
                last = self._finished()
            if last:
                self._index.unload()


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
        cosines = _cosines(queries, np.asarray(vectors[start : start + _BLOCK_ROWS]).T)
        rows = np.argpartition(-cosines, min(k, cosines.shape[1]) - 1, axis=1)[:, :k]
        best_rows = np.concatenate([best_rows, rows + start], axis=1)
        best_cosines = np.concatenate([best_cosines, np.take_along_axis(cosines, rows, axis=1)], axis=1)
        order = np.lexsort((best_rows, -best_cosines), axis=1)[:, :k]
        best_rows = np.take_along_axis(best_rows, order, axis=1)
        best_cosines = np.take_along_axis(best_cosines, order, axis=1)
    return best_rows, best_cosines


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    products: NDArray[np.float32] = left @ right
    return np.clip(products, np.float32(-1.0), np.float32(1.0))
