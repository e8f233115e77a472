"""PostgreSQL's binary COPY format: rows of one text of a fixed number of bytes and one pgvector `vector`.

ADBC's PostgreSQL driver (1.13) does not replace this: it returns a `vector` as opaque bytes, which would have to be
decoded here as well, over a connection of its own, outside the snapshot of the caller's; with pyarrow it adds 200 MB.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# PostgreSQL manual, COPY, "Binary Format": signature, flags, length of the header's extension.
_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES: Final = len(_SIGNATURE) + 8
_TRAILER: Final = struct.pack(">h", -1)
_BUFFER_BYTES: Final = 4 * 2**20


class BinaryRows:
    """Parses a stream of bytes and passes on thousands of rows at a time; buffers a few megabytes.

    A row is `text_bytes` bytes of text and a vector of `dimensions` numbers. Raises `PermanentError` for any other.
    """

    def __init__(
        self,
        text_bytes: int,
        dimensions: int,
        consume: Callable[[NDArray[np.bytes_], NDArray[np.float32]], None],
    ) -> None:
        self._row = np.dtype(
            [
                ("fields", ">i2"),
                ("text_bytes", ">i4"),
                ("text", f"S{max(1, text_bytes)}"),
                ("vector_bytes", ">i4"),
                ("dimensions", ">i2"),
                ("unused", ">i2"),
                ("vector", ">f4", (dimensions,)),
            ]
        )
        self._expected = {
            "fields": 2,
            "text_bytes": text_bytes,
            "vector_bytes": 4 + 4 * dimensions,
            "dimensions": dimensions,
        }
        self._consume = consume
        self._pending = bytearray()
        self._header_read = False

    async def feed(self, data: bytes) -> None:
        """Parse the next bytes."""
        self._pending += data
        if len(self._pending) >= _BUFFER_BYTES:
            self._pass_on()

    def close(self) -> None:
        """Pass on the remaining rows; raises `PermanentError` for a stream that is incomplete."""
        self._pass_on()
        if self._pending != _TRAILER:
            raise PermanentError("the rows from the database do not have the expected format")

    def _pass_on(self) -> None:
        if not self._header_read:
            if self._pending[: len(_SIGNATURE)] != _SIGNATURE:
                raise PermanentError("the database did not send PostgreSQL's binary COPY format")
            del self._pending[:_HEADER_BYTES]
            self._header_read = True
        count = len(self._pending) // self._row.itemsize
        if count == 0:
            return
        rows = np.frombuffer(bytes(self._pending[: count * self._row.itemsize]), dtype=self._row)
        del self._pending[: count * self._row.itemsize]
        for name, value in self._expected.items():
            if (rows[name] != value).any():
                raise PermanentError(f"a row from the database has another {name} than {value}")
        self._consume(rows["text"], rows["vector"].astype(np.float32))
