"""What kind of audio some bytes hold, told by their content and never by a file's name."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_HEAD: Final = 4096
"""Bytes that are looked at behind a tag; MP3s with junk before their first frame begin within these."""

_MP3_KBITS_V1_L3: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_KBITS_V2_L3: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


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


def sniff(data: bytes) -> AudioKind | None:
    """Return the kind of audio that `data` (a file, or at least its first 4 KB) holds, or `None`; never raises."""
    tag = _id3_length(data)
    if tag == 0:
        return _without_tag(data[:_HEAD])
    body = data[tag : tag + _HEAD]
    # Only MP3s carry tags so large that the head of a file ends within them.
    return _without_tag(body) if body else AudioKind.MP3


def sniff_stream(stream: BinaryIO) -> AudioKind | None:
    """Return the kind of audio that the seekable `stream` holds, or `None`; the stream ends at its start again."""
    return _without_tag(_head_behind_tag(stream))


def declares_mp3_length(stream: BinaryIO) -> bool:
    """Tell whether an MP3 says in its first frame how long it is; the stream ends at its start again.

    Where it does not, libraries guess by the bit rate of that frame, and err by minutes if the rate varies.
    """
    head = _head_behind_tag(stream)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))


# HEIC and AVIF pictures (covers) come in the same container as AAC (ISO/IEC 23008-12, annex B).
_PICTURE_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})


def _head_behind_tag(stream: BinaryIO) -> bytes:
    stream.seek(0)
    head = stream.read(_HEAD)
    tag = _id3_length(head)
    if tag:
        stream.seek(tag)
        head = stream.read(_HEAD)
    stream.seek(0)
    return head


def _id3_length(head: bytes) -> int:
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    # Synchsafe: seven bits a byte (ID3v2.4 structure, section 6.2).
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer


def _without_tag(head: bytes) -> AudioKind | None:  # noqa: PLR0911 - a table of magic numbers, one a line
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
    return _frames(head)


def _frames(head: bytes) -> AudioKind | None:
    """Find the first run of frames that follow each other; one header alone appears in any noise."""
    for start in range(len(head) - 3):
        if head[start] == 0xFF and head[start + 1] & 0xE0 == 0xE0:
            for kind, length_at in ((AudioKind.MP3, _mp3_frame), (AudioKind.AAC, _adts_frame)):
                # A run that leaves the head counts from two frames on at the very start, else from three.
                if _run(head, start, length_at) >= (2 if start == 0 else 3):
                    return kind
    return None


def _run(head: bytes, start: int, length_at: _FrameLength) -> int:
    count, signature = 0, None
    while start + 4 <= len(head):
        header = head[start : start + 7]
        length = length_at(header)
        # Version, layer and rate stay the same within one stream.
        these = (header[1] & 0xFE, header[2] & (0x0C if length_at is _mp3_frame else 0x3C))
        if length == 0 or (signature is not None and these != signature):
            break
        count, signature, start = count + 1, these, start + length
    return count


def _mp3_frame(header: bytes) -> int:
    """Return the length in bytes of the MPEG layer III frame under `header`, or 0 (ISO/IEC 11172-3, 2.4.1.3)."""
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    kbits_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    if version == 1 or layer != 1 or kbits_index in (0, 15) or rate_index == 3:
        return 0
    kbits = (_MP3_KBITS_V1_L3 if version == 3 else _MP3_KBITS_V2_L3)[kbits_index]
    samples_in_bytes = 144 if version == 3 else 72
    return samples_in_bytes * kbits * 1000 // _MP3_RATES[version][rate_index] + (header[2] >> 1 & 1)


def _adts_frame(header: bytes) -> int:
    """Return the length in bytes of the ADTS frame under `header`, or 0 (ISO/IEC 13818-7, 6.2)."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 0xF > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


if TYPE_CHECKING:
    from collections.abc import Callable

    _FrameLength = Callable[[bytes], int]
