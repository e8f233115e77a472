"""The frames of MPEG audio, of AC-3 and of AAC in ADTS, without what lies between them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from soundalike.audio.coded_audio.tails import without_tails
from soundalike.audio.mpeg_frames import Framing, walk_frames
from soundalike.audio.substream import Substream, size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from soundalike.audio.coded_audio.payload import Payload

_INFORMATION_OFFSETS: Final = (36, 21, 13, 38, 23, 15)
"""Where an MP3's first frame says how many there are: behind the side information, and a checksum."""

_LAME_MARKS: Final = (b"LAME", b"Lavf", b"Lavc", b"L3.9")
_DELAYS_OFFSET: Final = 21
_MIN_ADTS_HEADER_BYTES: Final = 7
_BUFFER_BYTES: Final = 1 << 18


def add_mp3(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the frames of an MP3 that begins with one, and return their duration in seconds.

    The frame in front that holds no sound but information (Xing, Info, VBRI) is left out: programs that scan loudness
    or write tags rewrite it. A last frame that is not complete is left out, too.
    """
    seconds = frame_seconds = 0.0
    for frame in _frames(stream, Framing.MP3):
        if not frame_seconds:
            frame_seconds = Framing.MP3.seconds(frame)
            information = _information(frame)
            if information is not None:
                # What the encoder added in front and behind, and decoders take away.
                seconds = -_inaudible_samples(information) * frame_seconds / _samples(frame)
                continue
        payload.add(frame)
        seconds += frame_seconds
    return seconds if seconds > 0 else None


def add_frames(stream: BinaryIO, payload: Payload, framing: Framing) -> float | None:
    """Append the frames of MP2, MP1 or AC-3 as they are, and return their duration in seconds."""
    seconds = 0.0
    for frame in _frames(stream, framing):
        seconds += framing.seconds(frame)
        payload.add(frame)
    return seconds or None


def add_adts(stream: BinaryIO, payload: Payload) -> float | None:
    """Append the frames of AAC in ADTS without their headers, and return their duration in seconds."""
    seconds = 0.0
    for frame in _frames(stream, Framing.ADTS):
        seconds += Framing.ADTS.seconds(frame)
        # A checksum makes the header longer by two bytes.
        payload.add(frame[_MIN_ADTS_HEADER_BYTES + (0 if frame[1] & 1 else 2) :])
    return seconds or None


def _frames(stream: BinaryIO, framing: Framing) -> Iterator[bytes]:
    # A last frame that is not complete must not be completed by a tag behind it.
    content = io.BufferedReader(Substream(stream, 0, without_tails(stream, 0, size(stream))), _BUFFER_BYTES)
    for position, length in walk_frames(content, framing):
        content.seek(position)
        yield content.read(length)


def _samples(frame: bytes) -> int:
    return 1152 if frame[1] >> 3 & 3 == 3 else 576


def _information(frame: bytes) -> bytes | None:
    """Return what the information in a frame begins with, from its mark on, or None where the frame is sound."""
    for offset in _INFORMATION_OFFSETS:
        if frame[offset : offset + 4] in (b"Xing", b"Info", b"VBRI"):
            return frame[offset:]
    return None


def _inaudible_samples(information: bytes) -> int:
    """Return how many samples the encoder added in front and behind, by the extension of LAME."""
    position = 8
    for flag, length in ((1, 4), (2, 4), (4, 100), (8, 4)):
        position += length if information[7] & flag else 0
    extension = information[position:]
    if information[:4] == b"VBRI" or not extension.startswith(_LAME_MARKS):
        return 0
    delays = int.from_bytes(extension[_DELAYS_OFFSET : _DELAYS_OFFSET + 3], "big")
    return (delays >> 12) + (delays & 0xFFF)
