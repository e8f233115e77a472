"""What a file holds behind tags and junk, and which libraries read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from soundalike.audio.errors import NotAudio, TooShort
from soundalike.audio.ffmpeg import open_by_ffmpeg
from soundalike.audio.libsndfile import open_by_sndfile
from soundalike.audio.protection import check_protection
from soundalike.audio.sniff import AudioKind, locate
from soundalike.audio.substream import Substream
from soundalike.audio.wav_header import mpeg_frames, repair_length

if TYPE_CHECKING:
    from soundalike.audio.pcm_file import Opener, PcmFile

Milliseconds: TypeAlias = tuple[int, int]
"""The start and the end of a segment of a file, the end not included; one behind the file's end means that end."""

_SNDFILE_KINDS: Final = frozenset(
    {
        *(AudioKind.MP3, AudioKind.OGG, AudioKind.OPUS, AudioKind.FLAC, AudioKind.WAV, AudioKind.AIFF),
        *(AudioKind.CAF, AudioKind.W64, AudioKind.AU, AudioKind.VOC),
    }
)


def content_of(stream: BinaryIO) -> tuple[BinaryIO, AudioKind]:
    """Return the audio of a seekable stream as a stream of its own, and its kind; raises `NotAudio`, `Protected`."""
    stream.seek(0)
    located = locate(stream)
    if located is None:
        raise NotAudio(_not_audio_reason(stream))
    content = Substream(stream, located.start) if located.start else stream
    check_protection(content, located.kind)
    if located.kind is AudioKind.WAV and (frames := mpeg_frames(content)):
        return frames, AudioKind.MP3
    if located.kind in {AudioKind.WAV, AudioKind.W64}:
        return repair_length(content), located.kind
    return content, located.kind


def openers_of(kind: AudioKind) -> tuple[Opener, ...]:
    """Return how a kind of audio can be opened, the best way first."""
    return (open_by_sndfile, open_by_ffmpeg) if kind in _SNDFILE_KINDS else (open_by_ffmpeg,)


def part_of(file: PcmFile, segment: Milliseconds | None) -> range | None:
    """Return the frames of a segment, None for the whole file; raises `TooShort` where it ends before."""
    if segment is None:
        return None
    start, end = (min(milliseconds * file.rate // 1000, file.frames_total) for milliseconds in segment)
    if start >= end:
        raise TooShort(f"the recording ends before the segment that begins at {segment[0] / 1000:.1f} s")
    return range(start, end)


def _not_audio_reason(stream: BinaryIO) -> str:
    if not stream.read(1):
        return "the file is empty"
    kinds = ", ".join(kind.extension for kind in AudioKind)
    return f"the content is not audio in a supported format ({kinds})"
