"""WAV headers that were written before their length was known."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from soundalike.audio.substream import Substream, size

_MIN_UNKNOWN_LENGTH: Final = 0x7FFF_0000
"""Programs that write to a pipe put 0x7FFFF000, 0x7FFFFFC4, 0x80000000, 0xFFFFFFFF and others for the length."""

_MAX_CHUNKS: Final = 1000
_MAX_LENGTH: Final = 0xFFFF_FF00


def repair_length(stream: BinaryIO) -> BinaryIO:
    """Return the WAV with its true length in the header where that holds none; the stream may be left anywhere."""
    end = size(stream)
    position = 12
    stream.seek(0)
    if stream.read(4) != b"RIFF":
        # RF64 keeps its length elsewhere, in 64 bits.
        return stream
    for _ in range(_MAX_CHUNKS):
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            break
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            rest = end - position - 8
            empty = length == 0 and rest > 0 and not _is_chunk(stream.read(8), rest)
            if empty or length >= max(_MIN_UNKNOWN_LENGTH, rest + 1):
                true_length = min(rest, _MAX_LENGTH)
                patches = {4: struct.pack("<I", position + true_length), position + 4: struct.pack("<I", true_length)}
                return Substream(stream, patches=patches)
            break
        position += 8 + length + length % 2
    return stream


def _is_chunk(head: bytes, rest: int) -> bool:
    """Tell whether another chunk follows, which means that the chunk before it is empty on purpose."""
    return len(head) == 8 and head[:4].isascii() and head[:4].isalnum() and int.from_bytes(head[4:], "little") < rest
