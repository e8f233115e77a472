"""What is hashed of a file, piece by piece."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_BLOCK_BYTES: Final = 1 << 20
_FIRST_FRONT_BYTES: Final = 1 << 14
_FRONT_DIGEST_BYTES: Final = 8


class Payload:
    """The coded audio of a file in its order; how it is cut into pieces makes no difference.

    `fronts` are digests of its first 16 KiB, 32 KiB, 64 KiB and so on, as signed numbers of 64 bits. The last one of a
    copy that was cut short is among those of the whole file, and covers half of the copy or more.
    """

    def __init__(self) -> None:
        self.size = 0
        self.fronts: list[int] = []
        self._hash = hashlib.sha256()
        self._next_front = _FIRST_FRONT_BYTES

    def describe(self, text: str) -> None:
        """Put a line in front that says what the bytes are, for those that do not say so themselves."""
        self._hash.update(f"{text}\n".encode())

    def add(self, content: bytes | memoryview) -> None:
        """Append some bytes."""
        rest = memoryview(content)
        while (missing := self._next_front - self.size) <= len(rest):
            self._append(rest[:missing])
            digest = self._hash.copy().digest()[:_FRONT_DIGEST_BYTES]
            self.fronts.append(int.from_bytes(digest, "big", signed=True))
            self._next_front *= 2
            rest = rest[missing:]
        self._append(rest)

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

    def _append(self, content: memoryview) -> None:
        self._hash.update(content)
        self.size += len(content)
