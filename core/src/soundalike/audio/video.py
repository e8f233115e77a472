"""Which files hold moving pictures beside their sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import av
from av.stream import Disposition

from soundalike.audio.audio_kind import AudioKind
from soundalike.audio.effort import Effort
from soundalike.audio.errors import TooDemanding
from soundalike.audio.ffmpeg_container import DEMUXERS, TAGS_OF_ANY_ENCODING
from soundalike.audio.substream import Substream, size

if TYPE_CHECKING:
    from typing import BinaryIO

_MADE_FOR_VIDEO: Final = frozenset({AudioKind.AVI, AudioKind.FLV, AudioKind.MPEG_PS, AudioKind.MPEG_TS})
_MAY_HOLD_VIDEO: Final = _MADE_FOR_VIDEO | {
    *(AudioKind.M4A, AudioKind.WEBM, AudioKind.WMA, AudioKind.OGG, AudioKind.OPUS, AudioKind.REALAUDIO),
}
_STILL_CODECS: Final = frozenset({"bmp", "gif", "jpegls", "mjpeg", "png", "tiff", "webp"})
_NO_DECODER: Final = {"codec_whitelist": "none"}
"""Pictures are not decoded to learn that they are there: the containers say it."""


def holds_video(stream: BinaryIO, kind: AudioKind) -> bool:
    """Tell whether a file of that kind holds moving pictures; covers and the pictures of chapters are none.

    The stream begins with the audio (`audio.sniff.locate`), and may be left anywhere.
    """
    if kind not in _MAY_HOLD_VIDEO:
        return False
    stream.seek(0)
    try:
        with av.open(
            Substream(stream), format=DEMUXERS[kind], options=_NO_DECODER, **TAGS_OF_ANY_ENCODING
        ) as container:
            return any(_moves(container, track, size(stream)) for track in container.streams.video)
    except av.error.MemoryError:
        raise
    except (av.FFmpegError, ArithmeticError, LookupError, ValueError):
        # What cannot be opened is not decoded either: what it was made for tells more to its owner.
        return kind in _MADE_FOR_VIDEO


def _moves(container: Any, track: Any, file_bytes: int) -> bool:
    if track.disposition & Disposition.attached_pic:
        return False
    codec = track.codec_context.codec.canonical_name if track.codec_context else ""
    if codec not in _STILL_CODECS:
        return True
    # A cover, or a picture for each chapter, that is stored like a film.
    seconds = container.duration / av.time_base if container.duration else 0
    most = 1 + int(seconds)
    return (track.frames or _count_pictures(container, track, most, file_bytes)) > most


def _count_pictures(container: Any, track: Any, most: int, file_bytes: int) -> int:
    """Count the pictures of a track that does not say how many it has, up to one more than `most`."""
    effort = Effort(file_bytes)
    count = 0
    try:
        for packet in container.demux(track):
            effort.spend()
            count += 1 if packet.size else 0
            if count > most:
                break
    except (av.error.InvalidDataError, TooDemanding):
        pass
    return count
