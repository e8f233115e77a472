"""Bytes on their way in or out: a few in memory, many in an unnamed file."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PART_BYTES: Final = 256 * 1024


class Spool:
    """A file without a name that lies in memory as long as it is short, so that slow clients cost little memory."""

    def __init__(self, memory_bytes: int) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 - see close
        self.size = 0

    def write(self, content: bytes) -> None:
        """Append some bytes."""
        # In parts, since all of what is written at once is copied into memory before it goes to the file.
        view = memoryview(content)
        for start in range(0, len(view), _PART_BYTES):
            self._file.write(view[start : start + _PART_BYTES])
        self.size += len(view)

    def read(self) -> bytes:
        """Return all of it."""
        self._file.seek(0)
        return self._file.read()

    def parts(self) -> Iterator[bytes]:
        """Yield all of it in parts."""
        self._file.seek(0)
        while part := self._file.read(_PART_BYTES):
            yield part

    def close(self) -> None:
        """Forget it."""
        self._file.close()
