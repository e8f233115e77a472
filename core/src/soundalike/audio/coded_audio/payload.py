"""What is hashed of a file, piece by piece."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_BLOCK_BYTES: Final = 1 << 20


class Payload:
    """The coded audio of a file in its order; how it is cut into pieces makes no difference."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()

    def describe(self, text: str) -> None:
        """Put a line in front that says what the bytes are, for those that do not say so themselves."""
        self._hash.update(f"{text}\n".encode())

    def add(self, content: bytes | memoryview) -> None:
        """Append some bytes."""
        self._hash.update(content)
        self.size += len(content)

    def add_range(self, stream: BinaryIO, start: int, stop: int) -> None:
        """Append the bytes from `start` up to `stop`, or up to the end of the stream where it comes first."""
        stream.seek(start)
        left = stop - start
        while left > 0 and (block := stream.read(min(left, _BLOCK_BYTES))):
            self.add(block)
            left -= len(block)

    def hexdigest(self) -> str:
        """Return the SHA-256 of everything up to here."""
        return self._hash.hexdigest()
