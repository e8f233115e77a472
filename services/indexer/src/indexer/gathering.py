"""Reading everything the current model has heard, in one snapshot of the database."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalog import embeddings
from indexer.errors import DiskTooFull, NothingToIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from catalog.database import Connection
    from catalog.models import Model

log = logging.getLogger(__name__)

_REPORT_ROWS: Final = 100_000
_FLOAT_BYTES: Final = 4
# Measured on 100,000 vectors: an Annoy tree has one node for 37 items; building on disk grows the file by 1.3.
_ITEMS_PER_NODE: Final = 30
_GROWTH: Final = 1.3
_NODE_HEADER_BYTES: Final = 12


@dataclass(frozen=True, slots=True)
class Gathered:
    """Raw vectors (float32 [n, D], mapped from a temporary file) and their urns [n], up to one write of the table."""

    model: str
    up_to_seq: int
    urns: Sequence[str]
    vectors: NDArray[np.float32]


async def gather(connection: Connection, model: Model, directory: Path, *, trees: int) -> Gathered:
    """Copy the vectors of `model` into a file in `directory`, row by row, holding none of them in memory.

    Raises `NothingToIndex` when there is none and `DiskTooFull` when the build would not fit beside them.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        count, up_to_seq = await embeddings.extent(connection, model.model)
        if count == 0:
            raise NothingToIndex(f"{model.model} has heard no track yet; crawl a playlist or a folder first")
        _ensure_room(directory, required_bytes(count, model.dimensions, trees))
        vectors = np.lib.format.open_memmap(
            directory / "raw.npy", mode="w+", dtype=np.float32, shape=(count, model.dimensions)
        )
        urns: list[str] = []
        async for stored in embeddings.stream(connection, model.model, up_to_seq):
            vectors[len(urns)] = stored.vector
            urns.append(stored.urn)
            if len(urns) % _REPORT_ROWS == 0:
                log.info("read %d of %d vectors", len(urns), count)
    return Gathered(model.model, up_to_seq, urns, vectors)


def required_bytes(count: int, dimensions: int, trees: int) -> int:
    """Estimate the room in bytes that a build of `count` vectors needs: raw, projected, and the Annoy file."""
    vectors = 2 * count * dimensions * _FLOAT_BYTES
    node = dimensions * _FLOAT_BYTES + _NODE_HEADER_BYTES
    return round(vectors + _GROWTH * node * (count + trees * (count / _ITEMS_PER_NODE + 2)))


def _ensure_room(directory: Path, required: int) -> None:
    # Writing a mapped file on a full disk ends the process with SIGBUS; nothing can catch that.
    free = shutil.disk_usage(directory).free
    if free < required:
        raise DiskTooFull(
            f"building needs {required / 1e6:.0f} MB for temporary files, {free / 1e6:.0f} MB are free; "
            "make room, or let TMPDIR name a larger disk"
        )
