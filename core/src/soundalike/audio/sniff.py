"""The kind of audio that some bytes hold, by their content and never by a file's name alone."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.audio.audio_kind import AudioKind
from soundalike.audio.effort import Effort
from soundalike.audio.errors import TooDemanding
from soundalike.audio.frame_headers import is_eac3
from soundalike.audio.mpeg_frames import MAX_RUN_BYTES, Framing, find_frames
from soundalike.audio.signatures import is_other_container, kind_at_start, kind_within
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["AudioKind", "LocatedAudio", "id3_starts", "locate", "sniff", "sniff_stream"]

_BLOCK_BYTES: Final = 1 << 16
_NEAR_BYTES: Final = 1 << 16
_FAR_BYTES: Final = 32 << 20
"""How far behind the tags audio is looked for: pictures of broken tags have megabytes."""

_MAX_PADDING_BYTES: Final = 1 << 20
_MAX_TAGS: Final = 8
"""Some programs put a tag in front of the tag that is there, but not for ever."""

_ID3_HEAD_BYTES: Final = 10


@dataclass(frozen=True, slots=True)
class LocatedAudio:
    """Audio of a `kind` that begins at byte `start`, behind tags, padding or junk."""

    kind: AudioKind
    start: int


def sniff(data: bytes) -> AudioKind | None:
    """Return the kind of audio that `data` (a file, or at least its first 4 KB) holds, or `None`; never raises."""
    stream = io.BytesIO(data)
    located = locate(stream)
    if located:
        return located.kind
    # Only MP3s carry tags so large that the head of a file ends within them.
    return AudioKind.MP3 if data[:3] == b"ID3" and _skip_tags(stream)[0] >= len(data) else None


def sniff_stream(stream: BinaryIO, *, far: bool = True) -> AudioKind | None:
    """Return the kind of audio that the seekable `stream` holds, or `None`; see `locate`."""
    located = locate(stream, far=far)
    return located.kind if located else None


def locate(stream: BinaryIO, *, far: bool = True) -> LocatedAudio | None:
    """Return what audio the seekable `stream` holds and where, or `None`; the stream ends at its start again.

    Behind the tags it is looked for in 64 KB, and where `far` says so (the file is called like audio) in 32 MB.
    """
    try:
        return _locate(stream, _FAR_BYTES if far else _NEAR_BYTES)
    except TooDemanding:
        return None
    finally:
        stream.seek(0)


def id3_starts(stream: BinaryIO) -> list[int]:
    """Return where the ID3 tags in front of the audio begin, of which there may be several."""
    return _skip_tags(stream)[1]


def _locate(stream: BinaryIO, search_bytes: int) -> LocatedAudio | None:
    start, id3_tags = _skip_tags(stream)
    head = b""
    for position in (start, _skip_zeros(stream, start)):
        stream.seek(position)
        head = stream.read(_BLOCK_BYTES)
        kind = kind_at_start(head)
        if kind:
            return LocatedAudio(kind, position)
    if is_other_container(head):
        return None
    located = _search(stream, start, search_bytes)
    if located is None and id3_tags:
        # The tag says that it is longer than it is.
        return _search(stream, id3_tags[-1] + _ID3_HEAD_BYTES, search_bytes)
    return located


def _search(stream: BinaryIO, start: int, search_bytes: int) -> LocatedAudio | None:
    """Find the first frames or signature from `start` on; raises `TooDemanding`."""
    effort = Effort(size(stream))
    for position in range(start, start + search_bytes, _BLOCK_BYTES):
        stream.seek(position)
        block = stream.read(_BLOCK_BYTES + MAX_RUN_BYTES)
        if not block:
            break
        frames = find_frames(block, effort, is_start=position == start)
        if signature := kind_within(block[: frames[1]] if frames else block):
            kind, offset = signature
            return LocatedAudio(kind, position + offset)
        if frames:
            framing, offset = frames
            return LocatedAudio(_kind_of_frames(framing, block[offset:]), position + offset)
    return None


def _kind_of_frames(framing: Framing, header: bytes) -> AudioKind:
    if framing is Framing.AC3:
        return AudioKind.EAC3 if is_eac3(header) else AudioKind.AC3
    return {Framing.MP3: AudioKind.MP3, Framing.MP2: AudioKind.MP2, Framing.ADTS: AudioKind.AAC}[framing]


def _skip_tags(stream: BinaryIO) -> tuple[int, list[int]]:
    """Return where the tags in front end, and where each ID3 of them begins."""
    start, id3_tags = 0, list[int]()
    for _ in range(_MAX_TAGS):
        stream.seek(start)
        head = stream.read(32)
        length = _tag_length(head)
        if length == 0:
            break
        if head[:3] == b"ID3":
            id3_tags.append(start)
        start += length
    return start, id3_tags


def _skip_zeros(stream: BinaryIO, start: int) -> int:
    """Return where the zeros that pad a tag end."""
    stream.seek(start)
    zeros = 0
    while zeros < _MAX_PADDING_BYTES and (block := stream.read(_BLOCK_BYTES)):
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
