"""Frames of MPEG audio and its kind (MP3, MP2, AAC in ADTS, AC-3) that follow each other without a container.

FFmpeg's demuxer finds the same frames, but reads the whole file for it: of a two-hour MP3 14.5 MB instead of 0.7 MB, in
three times the time (AAC: 14.9 MB instead of 0.4 MB, four times), and junk between frames becomes part of a packet.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, Final

from soundalike.audio.effort import JUNK_STEPS, SEARCH_STEPS, Effort
from soundalike.audio.frame_headers import (
    HEADER_BYTES,
    ac3_frame_bytes,
    ac3_seconds,
    adts_frame_bytes,
    adts_seconds,
    mpeg_frame_bytes,
    mpeg_layer,
    mpeg_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


RUN_UP_SECONDS: Final = 1
"""Decoded and dropped before the start: after a gap the first frames of MP3, AAC and Opus are not yet right."""

_RUN_FRAMES: Final = 3
"""One header alone appears in any noise; so many that point at each other do not."""

_MAX_EXCESS: Final = 1.05
"""Of a file beyond what its header declares, so that it may be another recording; then it is looked for."""

_BLOCK_BYTES: Final = 1 << 16
MAX_RUN_BYTES: Final = _RUN_FRAMES * (1 << 13)
"""As long as the run can be that tells frames from noise."""


class Framing(Enum):
    """How frames are marked, by what every one of them begins with; MP2 stands for the layers I and II."""

    MP3 = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]")
    MP2 = re.compile(rb"\xff[\xf4-\xf7\xfc-\xff][\x10-\xef]")
    ADTS = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
    AC3 = re.compile(rb"\x0b\x77")

    def length(self, header: bytes) -> int:
        """Return the length in bytes of the frame under `header`, or 0 where that is no header."""
        if self is Framing.ADTS:
            return adts_frame_bytes(header)
        if self is Framing.AC3:
            return ac3_frame_bytes(header)
        return mpeg_frame_bytes(header) if (mpeg_layer(header) == 3) is (self is Framing.MP3) else 0

    def signature(self, header: bytes) -> tuple[int, int]:
        """Return what stays the same within one stream: version, layer, rate."""
        if self is Framing.AC3:
            return header[4] & 0xC0, header[5] & 0xF8
        return header[1] & 0xFE, header[2] & (0x3C if self is Framing.ADTS else 0x0C)

    def seconds(self, header: bytes) -> float:
        """Return the duration of the frame under `header` in seconds."""
        if self is Framing.ADTS:
            return adts_seconds(header)
        return ac3_seconds(header) if self is Framing.AC3 else mpeg_seconds(header)


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """Where the frames of a stream lie, each of them `frame_seconds` long."""

    offsets: array[int]
    lengths: array[int]
    frame_seconds: float

    @property
    def seconds(self) -> float:
        """Length of all frames in seconds."""
        return len(self.offsets) * self.frame_seconds

    def frames_for(self, start_seconds: float, stop_seconds: float) -> range:
        """Return the numbers of the frames of that time, with the run-up before it and as much behind it."""
        first = max(0, int((start_seconds - RUN_UP_SECONDS) / self.frame_seconds))
        stop = int((stop_seconds + RUN_UP_SECONDS) / self.frame_seconds)
        return range(first, min(len(self.offsets), stop))

    def read(self, stream: BinaryIO, frames: range) -> bytes:
        """Return the bytes of those frames, and nothing of what lies between them."""
        parts = []
        for offset, length in zip(
            self.offsets[frames.start : frames.stop], self.lengths[frames.start : frames.stop], strict=True
        ):
            stream.seek(offset)
            parts.append(stream.read(length))
        return b"".join(parts)


def find_frames(head: bytes, effort: Effort | None = None, *, is_start: bool = True) -> tuple[Framing, int] | None:
    """Find where in `head` the first run of frames begins; two are enough at the very start of a stream.

    Raises `TooDemanding`, where no effort is given as for a file that holds no more than `head`.
    """
    effort = effort or Effort(len(head))
    firsts = ((_first_run(head, framing, effort, is_start=is_start), framing) for framing in Framing)
    runs = [(start, framing) for start, framing in firsts if start is not None]
    if not runs:
        return None
    start, framing = min(runs, key=lambda run: run[0])
    return framing, start


def _first_run(head: bytes, framing: Framing, effort: Effort, *, is_start: bool) -> int | None:
    for match in framing.value.finditer(head):
        effort.spend(JUNK_STEPS)
        start = match.start()
        if _run_length(head, start, framing) >= (_RUN_FRAMES if start or not is_start else 2):
            return start
    return None


def index_frames(stream: BinaryIO, framing: Framing) -> FrameIndex:
    """Find all frames of a stream as `walk_frames` does; raises `TooDemanding`."""
    offsets, lengths = array("Q"), array("L")
    stream.seek(0)
    header = stream.read(HEADER_BYTES)
    for offset, length in walk_frames(stream, framing):
        offsets.append(offset)
        lengths.append(length)
    return FrameIndex(offsets, lengths, framing.seconds(header) if offsets else 0.0)


def walk_frames(stream: BinaryIO, framing: Framing) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each frame of a stream that begins with one, passing over tags and junk between.

    Reads headers only. Frames of another version or rate than the first are junk, too, and a last one that is not
    complete is none. Between two frames the stream may be left anywhere. Raises `TooDemanding`.
    """
    stream.seek(0)
    header = stream.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not framing.length(header):
        return
    signature = framing.signature(header)
    end = stream.seek(0, 2)
    effort = Effort(end)
    position: int | None = 0
    while position is not None:
        effort.spend()
        stream.seek(position)
        header = stream.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            break
        length = framing.length(header)
        if length and framing.signature(header) == signature:
            if position + length <= end:
                yield position, length
            position += length
        else:
            position = _next_run(stream, position, framing, signature, effort)


def declares_length(stream: BinaryIO) -> bool:
    """Tell whether an MP3 declares in its first frame, where `stream` begins, how many frames it has.

    Where it does not, libraries estimate by the bit rate of that frame, and err by minutes if the rate varies.
    """
    stream.seek(0)
    head = stream.read(64)
    length = stream.seek(0, 2)
    stream.seek(0)
    for mark in (b"Xing", b"Info"):
        at = head.find(mark)
        # Flags say that the number of frames follows, and that of bytes.
        if at >= 0 and head[at + 7 : at + 8] and head[at + 7] & 1:
            declared_bytes = int.from_bytes(head[at + 12 : at + 16], "big") if head[at + 7] & 2 else 0
            # Of recordings that were joined, the first one's header is in front of all; tags and junk are no recording.
            is_joined = (
                bool(declared_bytes)
                and length > declared_bytes * _MAX_EXCESS
                and (
                    _next_run(stream, declared_bytes, Framing.MP3, Framing.MP3.signature(head), Effort(length))
                    is not None
                )
            )
            stream.seek(0)
            return any(head[at + 8 : at + 12]) and not is_joined
    return b"VBRI" in head


def shortest_frame(header: bytes) -> bytes:
    """Return the shortest MP3 frame of the kind under `header`: no CRC, the lowest bit rate, zeros, and so silence."""
    plain = bytes([0xFF, header[1] | 1, 0x10 | header[2] & 0x0C, header[3]])
    return plain.ljust(mpeg_frame_bytes(plain), b"\0")


def _next_run(
    stream: BinaryIO, position: int, framing: Framing, signature: tuple[int, int], effort: Effort
) -> int | None:
    while True:
        effort.spend(SEARCH_STEPS)
        stream.seek(position)
        block = stream.read(_BLOCK_BYTES + MAX_RUN_BYTES)
        for match in framing.value.finditer(block):
            effort.spend(JUNK_STEPS)
            start = match.start()
            header = block[start : start + HEADER_BYTES]
            if (
                len(header) == HEADER_BYTES
                and framing.signature(header) == signature
                and _run_length(block, start, framing) >= _RUN_FRAMES
            ):
                return position + start
        if len(block) < _BLOCK_BYTES + MAX_RUN_BYTES:
            return None
        position += _BLOCK_BYTES


def _run_length(head: bytes, start: int, framing: Framing) -> int:
    """Count the frames, up to as many as make a run, that follow each other from `start`."""
    count, signature = 0, None
    while start + HEADER_BYTES <= len(head) and count < _RUN_FRAMES:
        header = head[start : start + HEADER_BYTES]
        length = framing.length(header)
        if length == 0 or (signature is not None and framing.signature(header) != signature):
            break
        count, signature, start = count + 1, framing.signature(header), start + length
    return count
