"""WAV and Wave64 headers that were written before their length was known, and WAVs that hold an MP3."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO, Final

from soundalike.audio.mpeg_frames import Framing, find_frames
from soundalike.audio.substream import Substream, size

_MIN_UNKNOWN_LENGTH: Final = 0x7FFF_0000
"""Programs that write to a pipe put 0x7FFFF000, 0x7FFFFFC4, 0x80000000, 0xFFFFFFFF and others for the length."""

_MAX_CHUNKS: Final = 1000
_MAX_LENGTH: Final = 0xFFFF_FF00

_MPEG_FORMATS: Final = frozenset({0x50, 0x55})
_HEAD_BYTES: Final = 1 << 16
_BUFFER_BYTES: Final = 1 << 18

_W64_RIFF: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_HEAD_BYTES: Final = 24
_W64_FIRST_CHUNK: Final = 40


def repair_length(stream: BinaryIO) -> BinaryIO:
    """Return the WAV or Wave64 with its true length in the header where that holds none.

    The stream may be left anywhere.
    """
    end = size(stream)
    position = 12
    stream.seek(0)
    signature = stream.read(16)
    if signature == _W64_RIFF:
        return _repair_w64(stream, end)
    if signature[:4] != b"RIFF":
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


def mpeg_frames(stream: BinaryIO) -> BinaryIO | None:
    """Return what a WAV holds from its first frame of MPEG audio on, None where its data are no such frames.

    What the header says of the length counts bytes at a rate that is not that of every frame.
    """
    end = size(stream)
    position, is_mpeg = 12, False
    for _ in range(_MAX_CHUNKS):
        stream.seek(position)
        head = stream.read(10)
        if len(head) < 10:
            break
        name, length, tag = struct.unpack("<4sIH", head)
        if name == b"fmt ":
            is_mpeg = tag in _MPEG_FORMATS
        elif name == b"data":
            start = position + 8
            stop = start + length if 0 < length < _MIN_UNKNOWN_LENGTH else end
            stream.seek(start)
            frames = find_frames(stream.read(min(_HEAD_BYTES, stop - start))) if is_mpeg else None
            if frames is None or frames[0] is not Framing.MP3:
                return None
            return io.BufferedReader(Substream(stream, start + frames[1], stop), _BUFFER_BYTES)
        position += 8 + length + length % 2
    return None


def _repair_w64(stream: BinaryIO, end: int) -> BinaryIO:
    position = _W64_FIRST_CHUNK
    for _ in range(_MAX_CHUNKS):
        # No stream can be read at what 64 bits may say.
        if position >= end:
            break
        stream.seek(position)
        head = stream.read(_W64_HEAD_BYTES)
        if len(head) < _W64_HEAD_BYTES:
            break
        length = int.from_bytes(head[16:], "little")
        if head[:4] == b"data":
            if length <= _W64_HEAD_BYTES or position + length > end:
                patches = {16: end.to_bytes(8, "little"), position + 16: (end - position).to_bytes(8, "little")}
                return Substream(stream, patches=patches)
            break
        position += max(length, _W64_HEAD_BYTES) + -length % 8
    return stream


def _is_chunk(head: bytes, rest: int) -> bool:
    """Tell whether another chunk follows, which means that the chunk before it is empty on purpose."""
    return len(head) == 8 and head[:4].isascii() and head[:4].isalnum() and int.from_bytes(head[4:], "little") < rest
