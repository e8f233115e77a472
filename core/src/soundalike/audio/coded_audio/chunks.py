"""The chunks of which WAV, AIFF and the files of DSD consist."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_MAX_CHUNKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk whose content is `length` bytes from `start`, as the file says."""

    name: bytes
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class ChunkForm:
    """How a container writes chunks: name and length by `head`, padded to `alignment`.

    `counts_head`: the length is that of head and content.
    """

    head: struct.Struct
    alignment: int = 2
    counts_head: bool = False

    def chunks(self, stream: BinaryIO, position: int, stop: int) -> Iterator[Chunk]:
        """Yield the chunks from `position` on; the stream may be left anywhere between two."""
        for _ in range(_MAX_CHUNKS):
            if position >= stop:
                return
            stream.seek(position)
            head = stream.read(self.head.size)
            if len(head) < self.head.size:
                return
            name, length = self.head.unpack(head)
            start = position + self.head.size
            length = max(0, length - self.head.size) if self.counts_head else length
            yield Chunk(name, start, length)
            position = start + length + -length % self.alignment


RIFF: Final = ChunkForm(struct.Struct("<4sI"))
IFF: Final = ChunkForm(struct.Struct(">4sI"))
DSDIFF: Final = ChunkForm(struct.Struct(">4sQ"))
DSF: Final = ChunkForm(struct.Struct("<4sQ"), alignment=1, counts_head=True)


def content(stream: BinaryIO, chunk: Chunk, limit: int) -> bytes:
    """Return the content of a chunk, at most `limit` bytes of it."""
    stream.seek(chunk.start)
    return stream.read(min(chunk.length, limit))
