"""Streams without a container, or with a small one that no program rewrites: everything between the tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.audio.coded_audio.tails import without_tails
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_MUSEPACK_7_GAIN: Final = range(12, 20)
"""Where its header says how loud title and album are; programs that scan loudness write it."""

_MUSEPACK_8_SOUND: Final = frozenset({b"SH", b"AP"})
_MAX_PACKETS: Final = 1 << 20


def add_all(stream: BinaryIO, payload: Payload) -> None:
    """Append everything up to the tags behind the audio: WavPack, TTA, Monkey's Audio, AC-3, DTS and the like."""
    payload.add_range(stream, 0, without_tails(stream, 0, size(stream)))


def add_musepack_7(stream: BinaryIO, payload: Payload) -> None:
    """Append a Musepack file of version 7, but what ReplayGain writes into its header."""
    stop = without_tails(stream, 0, size(stream))
    payload.add_range(stream, 0, _MUSEPACK_7_GAIN.start)
    payload.add_range(stream, _MUSEPACK_7_GAIN.stop, stop)


def add_musepack_8(stream: BinaryIO, payload: Payload) -> None:
    """Append the header and the audio of a Musepack file of version 8; gain, chapters and tables are left out."""
    stop = without_tails(stream, 0, size(stream))
    position = 4
    for _ in range(_MAX_PACKETS):
        if position >= stop:
            return
        stream.seek(position)
        head = stream.read(11)
        if len(head) < 3:
            return
        length = digits = 0
        for byte in head[2:]:
            length = length << 7 | byte & 0x7F
            digits += 1
            if byte < 0x80:
                break
        if length < 2 + digits:
            return
        if head[:2] in _MUSEPACK_8_SOUND:
            payload.add_range(stream, position + 2 + digits, min(stop, position + length))
        position += length
