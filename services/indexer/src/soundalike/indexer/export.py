"""The export of all embeddings of a model, in one snapshot of the database, into files."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.db import embeddings
from soundalike.indexer.errors import DiskTooFull, NothingToIndex

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.db.database import Connection
    from soundalike.db.models import EmbeddingModel
    from soundalike.similarity.index.builder import BuildParameters

log = logging.getLogger(__name__)

_RAW: Final = "raw.npy"
_NAMES: Final = "names.npy"
_REPORT_S: Final = 5.0
_FLOAT_BYTES: Final = 4
# Measured on 100,000 vectors: an Annoy tree has one node for 37 items; building on disk grows the file by 1.3.
_ITEMS_PER_NODE: Final = 30
_GROWTH: Final = 1.3
_NODE_HEADER_BYTES: Final = 12
# Numbers of 8 bits, and up to twice `connectivity` neighbours of 5 bytes on the lowest of the levels.
_LINK_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class VectorExport:
    """Raw vectors (float32 [n, D], mapped from a file) and their urns [n], up to one write of the table."""

    model: str
    up_to_seq: int
    names: NDArray[np.bytes_]
    vectors: NDArray[np.float32]

    @property
    def urns(self) -> list[str]:
        """The urns, without the blanks that pad them."""
        return [name.rstrip().decode() for name in self.names.tolist()]


async def export_vectors(
    connection: Connection, model: EmbeddingModel, directory: Path, parameters: BuildParameters
) -> VectorExport:
    """Copy the vectors of `model` into files in `directory`, some thousand at a time, keeping none of them in memory.

    Raises `NothingToIndex` when there are none and `DiskTooFull` when the build would not fit beside them.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        extent = await embeddings.extent(connection, model.model)
        if extent.count == 0:
            raise NothingToIndex(f"{model.model} has no embeddings yet; crawl a playlist or a folder first")
        _ensure_room(directory, required_bytes(extent.count, model.dimensions, parameters))
        shape = (extent.count, model.dimensions)
        vectors = np.lib.format.open_memmap(directory / _RAW, mode="w+", dtype=np.float32, shape=shape)
        names = np.empty(extent.count, dtype=f"S{max(1, extent.urn_bytes)}")
        filled, reported = 0, time.monotonic()

        def append(some_names: NDArray[np.bytes_], some_vectors: NDArray[np.float32]) -> None:
            nonlocal filled, reported
            end = filled + len(some_names)
            names[filled:end], vectors[filled:end] = some_names, some_vectors
            filled = end
            if time.monotonic() - reported >= _REPORT_S:
                reported = time.monotonic()
                log.info("read %d of %d vectors", filled, extent.count)

        await embeddings.copy_vectors(connection, model.model, extent, model.dimensions, append)
    vectors.flush()
    np.save(directory / _NAMES, names, allow_pickle=False)
    return VectorExport(model.model, extent.last_seq, names, vectors)


def open_export(directory: Path, model: str, up_to_seq: int) -> VectorExport:
    """Open an export in `directory`; raises OSError or ValueError where it is incomplete."""
    names = np.load(directory / _NAMES, allow_pickle=False)
    vectors = np.load(directory / _RAW, mmap_mode="r", allow_pickle=False)
    if len(names) != len(vectors):
        raise ValueError(f"{len(names)} names for {len(vectors)} vectors")
    return VectorExport(model, up_to_seq, names, vectors)


def required_bytes(count: int, dimensions: int, parameters: BuildParameters) -> int:
    """Estimate the disk space in bytes that a build of `count` vectors needs: raw, projected, and the index file."""
    vectors = 2 * count * dimensions * _FLOAT_BYTES
    searched = min(parameters.search_dimensions, dimensions)
    if parameters.engine == "usearch":
        return vectors + count * (searched + _LINK_BYTES * parameters.connectivity + _NODE_HEADER_BYTES)
    node = searched * _FLOAT_BYTES + _NODE_HEADER_BYTES
    per_node = min(_ITEMS_PER_NODE, max(1, searched // 3))
    return round(vectors + _GROWTH * node * (count + parameters.trees * (count / per_node + 2)))


def _ensure_room(directory: Path, required: int) -> None:
    # Writing a mapped file on a full disk ends the process with SIGBUS; nothing can catch that.
    free = shutil.disk_usage(directory).free
    if free < required:
        raise DiskTooFull(
            f"the build needs {required / 1e6:.0f} MB for temporary files, {free / 1e6:.0f} MB are free; "
            "free some space, or set INDEX_WORK_DIR to a folder on a larger disk"
        )
