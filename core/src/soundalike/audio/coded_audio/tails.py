"""Tags behind the audio: ID3v1, APEv2, Lyrics3 and ID3v2 with a footer, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

_MAX_TAGS: Final = 16
_ID3V1_BYTES: Final = 128
_EXTENDED_ID3V1_BYTES: Final = 227
_APE_FOOTER_BYTES: Final = 32
_APE_HAS_HEADER: Final = 1 << 31
_ID3V2_FOOTER_BYTES: Final = 10
_LYRICS3_END_BYTES: Final = 15
_MAX_LYRICS3V1_BYTES: Final = 5_120


def without_tails(stream: BinaryIO, start: int, stop: int) -> int:
    """Return where the tags behind the audio begin that lies from `start` up to `stop`."""
    for _ in range(_MAX_TAGS):
        length = _tail_bytes(stream, start, stop)
        if length == 0:
            break
        stop -= length
    return stop


def _tail_bytes(stream: BinaryIO, start: int, stop: int) -> int:
    """Return the length of the tag that ends at `stop`, or 0."""
    if _read(stream, start, stop - _ID3V1_BYTES, 3) == b"TAG":
        extended = _read(stream, start, stop - _ID3V1_BYTES - _EXTENDED_ID3V1_BYTES, 4) == b"TAG+"
        return _ID3V1_BYTES + (_EXTENDED_ID3V1_BYTES if extended else 0)
    footer = _read(stream, start, stop - _APE_FOOTER_BYTES, _APE_FOOTER_BYTES)
    length = _ape_bytes(footer) or _lyrics3_bytes(stream, start, stop, footer) or _id3v2_bytes(footer)
    return length if length <= stop - start else 0


def _ape_bytes(footer: bytes) -> int:
    # The length counts the items and the footer; the header comes on top of it (APEv2 specification).
    length = int.from_bytes(footer[12:16], "little")
    if footer[:8] != b"APETAGEX" or length < _APE_FOOTER_BYTES:
        return 0
    has_header = int.from_bytes(footer[20:24], "little") & _APE_HAS_HEADER
    return length + (_APE_FOOTER_BYTES if has_header else 0)


def _id3v2_bytes(footer: bytes) -> int:
    # ID3v2.4 structure, section 3.4: the length counts neither header nor footer, ten bytes each.
    foot = footer[-_ID3V2_FOOTER_BYTES:]
    if foot[:3] != b"3DI" or max(foot[6:10]) >= 0x80:
        return 0
    return (foot[6] << 21 | foot[7] << 14 | foot[8] << 7 | foot[9]) + 2 * _ID3V2_FOOTER_BYTES


def _lyrics3_bytes(stream: BinaryIO, start: int, stop: int, footer: bytes) -> int:
    end = footer[-_LYRICS3_END_BYTES:]
    if end.endswith(b"LYRICS200") and end[:6].isdigit():
        # The length counts all but itself and the mark behind it (Lyrics3 v2.00).
        length = int(end[:6]) + _LYRICS3_END_BYTES
        return length if _read(stream, start, stop - length, 11) == b"LYRICSBEGIN" else 0
    if end.endswith(b"LYRICSEND"):
        size = min(_MAX_LYRICS3V1_BYTES, stop - start)
        begin = _read(stream, start, stop - size, size).rfind(b"LYRICSBEGIN")
        return size - begin if begin >= 0 else 0
    return 0


def _read(stream: BinaryIO, start: int, position: int, length: int) -> bytes:
    if position < start:
        return b""
    stream.seek(position)
    return stream.read(length)
