"""Annoy: a forest of random projections in one file, built on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from annoy import AnnoyIndex

from soundalike.similarity.index.annoy_nodes import check_nodes
from soundalike.storage.artifacts.errors import CorruptVersion
from soundalike.storage.artifacts.verification import path_of
from soundalike.storage.atomic_files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Annoy takes it as a number of 32 bits.
_MAX_INSPECTED: Final = 2**31 - 1


class AnnoyEngine:
    """A mapped Annoy file; `effort` is the number of nodes that a search inspects."""

    def __init__(self, file: BinaryIO, vectors: NDArray[np.float32], *, trees: int, effort: int) -> None:
        check_nodes(file, vectors, trees=trees)
        self.effort = effort
        self._index = AnnoyIndex(vectors.shape[1], "angular")
        try:
            self._index.load(path_of(file))
        except OSError as error:
            raise CorruptVersion(f"Annoy cannot load {file.name}: {error}") from error
        self._trees = int(self._index.get_n_trees())

    def __len__(self) -> int:
        return int(self._index.get_n_items())

    def nearest(self, query: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """Return the rows of about the `k` vectors nearest to `query` [s]."""
        # Every tree holds an item once, so inspecting this many nodes cannot yield fewer different items.
        inspected = min(max(self.effort, k * self._trees), _MAX_INSPECTED)
        # Annoy reads one number after the other, and a list returns those faster than an array.
        return np.asarray(self._index.get_nns_by_vector(query.tolist(), k, inspected), dtype=np.int64)

    def close(self) -> None:
        """Unmap the file."""
        self._index.unload()


def write(path: Path, vectors: NDArray[np.float32], *, trees: int, seed: int, jobs: int = 1) -> None:
    """Build an Annoy file whose item numbers are the rows of `vectors` [n, s]; built on disk, not in memory."""
    with atomic_write(path) as part:
        index = AnnoyIndex(vectors.shape[1], "angular")
        try:
            index.set_seed(seed)
            index.on_disk_build(str(part))
            for row, vector in enumerate(vectors):
                index.add_item(row, vector.tolist())
            index.build(trees, n_jobs=jobs)
        finally:
            index.unload()
