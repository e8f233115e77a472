"""Headers of Musepack files."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

_RATES: Final = (44_100, 48_000, 37_800, 32_000)
_HEAD_BYTES: Final = 4096
_BEFORE_COUNTS_BYTES: Final = 5
"""A checksum and the version."""


def is_old(stream: BinaryIO) -> bool:
    """Tell whether a Musepack file is of stream version 7, another format than version 8; the stream is rewound."""
    stream.seek(0)
    head = stream.read(3)
    stream.seek(0)
    return head == b"MP+"


def declared_seconds(stream: BinaryIO) -> float | None:
    """Return the length that a file of version 8 declares (SV8 specification), or `None`; the stream is rewound.

    FFmpeg counts it in packets of more than a second.
    """
    stream.seek(0)
    head = io.BytesIO(stream.read(_HEAD_BYTES))
    stream.seek(0)
    if head.read(4) != b"MPCK":
        return None
    while (key := head.read(2)).isalpha():
        begin = head.tell() - 2
        length = _number(head)
        if key == b"SH":
            head.seek(_BEFORE_COUNTS_BYTES, io.SEEK_CUR)
            samples, silence, rate = _number(head), _number(head), head.read(1)
            index = rate[0] >> 5 if rate else len(_RATES)
            return max(0, samples - silence) / _RATES[index] if index < len(_RATES) else None
        head.seek(begin + length)
    return None


def _number(head: BinaryIO) -> int:
    """Read a number of seven bits a byte, the first of them the highest."""
    number = 0
    for byte in iter(lambda: head.read(1), b""):
        number = number << 7 | byte[0] & 0x7F
        if byte[0] < 0x80:
            break
    return number
