"""The kind of audio that some bytes hold, by their content and never by a file's name."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from soundalike.audio.mpeg_frames import Framing, find_frames

if TYPE_CHECKING:
    from typing import BinaryIO

_HEAD_BYTES: Final = 1 << 16
"""Bytes that are examined behind the tags; MP3s with junk before their first frame begin within these."""

_MAX_PADDING_BYTES: Final = 1 << 20
_MAX_TAGS: Final = 8
"""Some programs put a tag in front of the tag that is there, but not for ever."""

# HEIC and AVIF pictures (covers) come in the same container as AAC (ISO/IEC 23008-12, annex B).
_PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})
_OTHER_CONTAINERS: Final = (b"PK\x03\x04", b"RIFF", b"FLV\x01", b"%PDF")
"""Files that may contain a whole MP3 and are not MP3s for that."""


class AudioKind(Enum):
    """A kind of audio file: its usual extension (without the dot) and its MIME type."""

    MP3 = ("mp3", "audio/mpeg")
    M4A = ("m4a", "audio/mp4")
    AAC = ("aac", "audio/aac")
    OGG = ("ogg", "audio/ogg")
    OPUS = ("opus", "audio/ogg; codecs=opus")
    FLAC = ("flac", "audio/flac")
    WAV = ("wav", "audio/wav")
    AIFF = ("aiff", "audio/aiff")
    WEBM = ("webm", "audio/webm")

    def __init__(self, extension: str, mime_type: str) -> None:
        self.extension = extension
        self.mime_type = mime_type


@dataclass(frozen=True, slots=True)
class LocatedAudio:
    """Audio of a `kind` that begins at byte `start`, behind tags, padding or junk."""

    kind: AudioKind
    start: int


def sniff(data: bytes) -> AudioKind | None:
    """Return the kind of audio that `data` (a file, or at least its first 4 KB) holds, or `None`; never raises."""
    stream = io.BytesIO(data)
    start = _skip_tags(stream)
    if start >= len(data) and data[:3] == b"ID3" and start:
        # Only MP3s carry tags so large that the head of a file ends within them.
        return AudioKind.MP3
    located = _locate(stream, start)
    return located.kind if located else None


def sniff_stream(stream: BinaryIO) -> AudioKind | None:
    """Return the kind of audio that the seekable `stream` holds, or `None`; the stream ends at its start again."""
    located = locate(stream)
    return located.kind if located else None


def locate(stream: BinaryIO) -> LocatedAudio | None:
    """Return what audio the seekable `stream` holds and where, or `None`; the stream ends at its start again."""
    located = _locate(stream, _skip_tags(stream))
    stream.seek(0)
    return located


def _locate(stream: BinaryIO, start: int) -> LocatedAudio | None:
    for position in (start, _skip_zeros(stream, start)):
        stream.seek(position)
        head = stream.read(_HEAD_BYTES)
        kind = _kind_of_signature(head)
        if kind:
            return LocatedAudio(kind, position)
    if head.startswith(_OTHER_CONTAINERS):
        return None
    frames = find_frames(head)
    if frames is None:
        return None
    framing, offset = frames
    return LocatedAudio(AudioKind.MP3 if framing is Framing.MP3 else AudioKind.AAC, position + offset)


def _skip_tags(stream: BinaryIO) -> int:
    start = 0
    for _ in range(_MAX_TAGS):
        stream.seek(start)
        length = _tag_length(stream.read(32))
        if length == 0:
            break
        start += length
    return start


def _skip_zeros(stream: BinaryIO, start: int) -> int:
    """Return where the zeros that pad a tag end."""
    stream.seek(start)
    zeros = 0
    while zeros < _MAX_PADDING_BYTES and (block := stream.read(_HEAD_BYTES)):
        content = block.lstrip(b"\0")
        zeros += len(block) - len(content)
        if content:
            # The length of an MP4's first box begins with three zeros of its own.
            return start + zeros - (3 if zeros >= 3 and content[1:5] == b"ftyp" else 0)
    return start + zeros


def _tag_length(head: bytes) -> int:
    if len(head) >= 10 and head[:3] == b"ID3" and max(head[6:10]) < 0x80:
        # Synchsafe: seven bits a byte (ID3v2.4 structure, section 6.2).
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return 10 + length + (10 if head[5] & 0x10 else 0)
    if len(head) == 32 and head[:8] == b"APETAGEX":
        # The length counts the items and a footer; the header comes on top of it (APEv2 specification).
        return 32 + int.from_bytes(head[12:16], "little")
    return 0


def _kind_of_signature(head: bytes) -> AudioKind | None:  # noqa: PLR0911 - a table of magic numbers, one a line
    match head[:4], head[8:12]:
        case b"RIFF" | b"RF64", b"WAVE":
            return AudioKind.WAV
        case b"FORM", b"AIFF" | b"AIFC":
            return AudioKind.AIFF
        case b"fLaC", _:
            return AudioKind.FLAC
        case b"OggS", _:
            return AudioKind.OPUS if b"OpusHead" in head[:128] else AudioKind.OGG
        case b"\x1aE\xdf\xa3", _:
            return AudioKind.WEBM
        case _:
            pass
    if head[4:8] == b"ftyp" and head[8:12] not in _PICTURE_BRANDS:
        return AudioKind.M4A
    return None
