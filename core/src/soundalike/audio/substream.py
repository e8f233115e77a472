"""A view of a part of a stream, as a stream of its own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import WriteableBuffer


class Substream(io.RawIOBase, BinaryIO):
    """The bytes from `start` (up to `stop`) of `whole`, overlaid with `patches` (position in the view to bytes).

    Nothing is copied; closing the view leaves `whole` open.
    """

    def __init__(
        self, whole: BinaryIO, start: int = 0, stop: int | None = None, patches: Mapping[int, bytes] | None = None
    ) -> None:
        self._whole = whole
        self._start = start
        end = size(whole)
        self._length = max(0, (end if stop is None else min(stop, end)) - start)
        self._patches = patches or {}
        self._position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the position within the view."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the view; raises `ValueError` for a position before its start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("a stream has nothing before its start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` from here on."""
        target = memoryview(buffer).cast("B")
        length = max(0, min(len(target), self._length - self._position))
        if not length:
            # Files refuse to go where damaged headers point.
            return 0
        self._whole.seek(self._start + self._position)
        content = self._whole.read(length)
        target[: len(content)] = content
        for offset, patch in self._patches.items():
            first, last = max(offset, self._position), min(offset + len(patch), self._position + len(content))
            if first < last:
                target[first - self._position : last - self._position] = patch[first - offset : last - offset]
        self._position += len(content)
        return len(content)


def size(stream: BinaryIO) -> int:
    """Return the length of a seekable stream in bytes; the stream ends where it stood."""
    position = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(position)
    return end
