"""The frames of FLAC (RFC 9639), without the metadata in front of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from soundalike.audio.coded_audio.tails import without_tails
from soundalike.audio.effort import JUNK_STEPS, Effort
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
_BLOCK_BYTES: Final = 1 << 20
_MAX_HEADER_BYTES: Final = 16
_MAX_METADATA_BLOCKS: Final = 1_000
_RATES: Final = (0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)


def _crc8_table() -> bytes:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value << 1 ^ (0x07 if value & 0x80 else 0)) & 0xFF  # noqa: PLW2901 - bit by bit
        table.append(value)
    return bytes(table)


_CRC8: Final = _crc8_table()


def add_flac(stream: BinaryIO, payload: Payload) -> float | None:
    """Append everything from the first frame up to the tags behind the last, and return its duration in seconds.

    The duration is that of the frames, also where the header declares none or another. Raises `TooDemanding`.
    """
    rate, position = _metadata(stream)
    end = size(stream)
    stop = without_tails(stream, position, end)
    counter = _FrameCounter()
    effort = Effort(end)
    while position < stop:
        stream.seek(position)
        block = stream.read(min(_BLOCK_BYTES + _MAX_HEADER_BYTES, stop - position))
        if not block:
            break
        first = None if counter.frames else _BLOCK_BYTES
        for match in _SYNC.finditer(block, 0, _BLOCK_BYTES + 1):
            effort.spend(JUNK_STEPS)
            if match.start() < _BLOCK_BYTES and counter.take(block[match.start() : match.start() + _MAX_HEADER_BYTES]):
                first = match.start() if first == _BLOCK_BYTES else first
        payload.add(memoryview(block)[first or 0 : _BLOCK_BYTES])
        position += _BLOCK_BYTES
    rate = rate or counter.rate
    return counter.samples / rate if rate and counter.samples else None


def _metadata(stream: BinaryIO) -> tuple[int, int]:
    """Return the sample rate and where the metadata blocks end."""
    rate, position = 0, 4
    for _ in range(_MAX_METADATA_BLOCKS):
        stream.seek(position)
        head = stream.read(4)
        # Writers that put in a picture larger than a block can say leave a length that is wrong.
        if len(head) < 4 or head[0] & 0x7F > 6:
            break
        if head[0] & 0x7F == 0:
            rate = int.from_bytes(stream.read(18)[10:13], "big") >> 4
        position += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            break
    return rate, position


class _FrameCounter:
    """Counts the samples of frames whose numbers follow each other; two are needed to begin anew after a gap."""

    def __init__(self) -> None:
        self.frames = 0
        self.samples = 0
        self.rate = 0
        self._form: tuple[int, int, int] | None = None
        self._fixed_size = 0
        self._next = 0
        self._candidate: tuple[int, int] | None = None

    def take(self, header: bytes) -> bool:
        """Count the frame under `header`; tell whether it is one."""
        parsed = _parse(header)
        if parsed is None:
            return False
        form, number, block_size = parsed
        if self._form is None:
            self._form, self._fixed_size = form, block_size
            self.rate = _RATES[form[1]] if form[1] < len(_RATES) else 0
            self._next = self._start(number)
        if form != self._form:
            return False
        start = self._start(number)
        if start == self._next:
            self._count(start, block_size, 1)
            return True
        if self._candidate is not None and start == self._candidate[0]:
            self._count(start, self._candidate[1] + block_size, 2, block_size)
            return True
        self._candidate = (start + block_size, block_size)
        return False

    def _start(self, number: int) -> int:
        return number if self._form and self._form[0] else number * self._fixed_size

    def _count(self, start: int, samples: int, frames: int, last: int | None = None) -> None:
        self.frames += frames
        self.samples += samples
        self._next = start + (samples if last is None else last)
        self._candidate = None


def _parse(header: bytes) -> tuple[tuple[int, int, int], int, int] | None:
    """Return what is the same in all frames, the number (of the frame, or of its first sample), and the samples."""
    if len(header) < 6 or header[3] & 1 or header[2] >> 4 == 0 or header[2] & 0xF == 0xF or header[3] >> 4 > 10:
        return None
    length = 1 if header[4] < 0x80 else 8 - (~header[4] & 0xFF).bit_length()
    if length == 0 or (length == 1 and header[4] >= 0x80) or length > 7 or len(header) < 4 + length:
        return None
    number = header[4] & (0x7F if length == 1 else 0xFF >> (length + 1))
    for byte in header[5 : 4 + length]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    position = 4 + length
    code = header[2] >> 4
    extra = {6: 1, 7: 2}.get(code, 0)
    if extra:
        block_size = int.from_bytes(header[position : position + extra], "big") + 1
    else:
        block_size = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    position += extra + {12: 1, 13: 2, 14: 2}.get(header[2] & 0xF, 0)
    if len(header) <= position:
        return None
    checksum = 0
    for byte in header[:position]:
        checksum = _CRC8[checksum ^ byte]
    if checksum != header[position]:
        return None
    return (header[1] & 1, header[2] & 0xF, header[3] & 0x0E), number, block_size
