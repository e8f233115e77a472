"""Whether a file is encrypted, so that only what bought it can play it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_kind import AudioKind
from soundalike.audio.errors import Protected
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_ENCRYPTED_ENTRIES: Final = frozenset({b"drms", b"enca", b"aavd"})
"""Sample descriptions of FairPlay, of Common Encryption (ISO/IEC 23001-7), and of Audible."""

_PATH_TO_DESCRIPTIONS: Final = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_MAX_BOXES: Final = 10_000
_ASF_HEADER: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ENCRYPTION_OBJECTS: Final = frozenset(
    map(bytes.fromhex, ("fbb3112223bdd211b4b700a0c955fc6e", "14e68a292226174cb935dae07ee9289c"))
)
"""Content Encryption and Extended Content Encryption (Advanced Systems Format, 3.14 and 3.15)."""

_MAX_OBJECTS: Final = 1_000


def check_protection(stream: BinaryIO, kind: AudioKind) -> None:
    """Raise `Protected` for a file that is encrypted; the stream begins with the audio, and is rewound."""
    encrypted = (kind is AudioKind.M4A and _is_encrypted_mp4(stream)) or (
        kind is AudioKind.WMA and _is_encrypted_asf(stream)
    )
    stream.seek(0)
    if encrypted:
        raise Protected("it is protected (DRM): only the program or the account that it was bought with can play it")


def _is_encrypted_mp4(stream: BinaryIO) -> bool:
    ranges = [range(start, stop) for name, start, stop in _boxes(stream, 0, size(stream)) if name == b"moov"]
    for step in _PATH_TO_DESCRIPTIONS:
        ranges = [
            range(start, stop)
            for outer in ranges[:_MAX_BOXES]
            for name, start, stop in _boxes(stream, outer.start, outer.stop)
            if name == step
        ]
    # Version, flags and a count stand before the descriptions.
    return any(
        name in _ENCRYPTED_ENTRIES for outer in ranges for name, _, _ in _boxes(stream, outer.start + 8, outer.stop)
    )


def _boxes(stream: BinaryIO, position: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the content of each box of an MP4 (ISO/IEC 14496-12, 4.2)."""
    for _ in range(_MAX_BOXES):
        if position + 8 > stop:
            return
        stream.seek(position)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, start = int.from_bytes(head[:4], "big"), position + 8
        if length == 1:
            length, start = int.from_bytes(head[8:], "big"), position + 16
        end = position + length if length else stop
        if end < start:
            return
        yield head[4:8], start, min(end, stop)
        position = end


def _is_encrypted_asf(stream: BinaryIO) -> bool:
    stream.seek(0)
    head = stream.read(30)
    if head[:16] != _ASF_HEADER:
        return False
    position, stop = 30, min(size(stream), int.from_bytes(head[16:24], "little"))
    for _ in range(_MAX_OBJECTS):
        if position >= stop:
            return False
        stream.seek(position)
        head = stream.read(24)
        length = int.from_bytes(head[16:24], "little")
        if len(head) < 24 or length < 24:
            return False
        if head[:16] in _ENCRYPTION_OBJECTS:
            return True
        position += length
    return False
