"""Containers that FFmpeg's libraries (PyAV) open: what they hold, their packets, and how long they are."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av

# PyAV imports these when a file has such a stream, but a confined process (`audio.confinement`) can open no module.
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream

from soundalike.audio import musepack
from soundalike.audio.errors import Undecodable
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import Substream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.audio.effort import Effort

# Named, never guessed by FFmpeg: among the demuxers it would try are playlists, which open other files and addresses.
DEMUXERS: Final = {
    AudioKind.MP3: "mp3",
    AudioKind.M4A: "mov",
    AudioKind.AAC: "aac",
    AudioKind.OGG: "ogg",
    AudioKind.OPUS: "ogg",
    AudioKind.FLAC: "flac",
    AudioKind.WAV: "wav",
    AudioKind.AIFF: "aiff",
    AudioKind.WEBM: "matroska",
    AudioKind.MP2: "mp3",
    AudioKind.WMA: "asf",
    AudioKind.WAVPACK: "wv",
    AudioKind.APE: "ape",
    AudioKind.TTA: "tta",
    AudioKind.TAK: "tak",
    AudioKind.SHORTEN: "shn",
    AudioKind.MUSEPACK: "mpc8",
    AudioKind.AC3: "ac3",
    AudioKind.EAC3: "eac3",
    AudioKind.DTS: "dts",
    AudioKind.TRUEHD: "truehd",
    AudioKind.DSF: "dsf",
    AudioKind.DFF: "iff",
    AudioKind.CAF: "caf",
    AudioKind.W64: "w64",
    AudioKind.AU: "au",
    AudioKind.VOC: "voc",
    AudioKind.AMR: "amr",
    AudioKind.REALAUDIO: "rm",
    AudioKind.AVI: "avi",
    AudioKind.FLV: "flv",
    AudioKind.MPEG_PS: "mpeg",
    AudioKind.MPEG_TS: "mpegts",
}
_MUSEPACK_7_DEMUXER: Final = "mpc"

# PyAV before 19 refuses files whose tags are not UTF-8 without this option, later ones have no such option.
TAGS_OF_ANY_ENCODING: Final[dict[str, Any]] = (
    {"metadata_errors": "ignore"} if int(av.__version__.partition(".")[0]) < 19 else {}
)


@contextmanager
def errors_translated() -> Iterator[None]:
    """Raise FFmpeg's errors, and those of PyAV about damaged files, as `Undecodable`."""
    try:
        yield
    except av.error.MemoryError:
        raise
    except (av.FFmpegError, ArithmeticError, LookupError, ValueError) as error:
        raise Undecodable(f"FFmpeg cannot read it ({_reason(error)})") from error


@contextmanager
def open_container(stream: BinaryIO, kind: AudioKind) -> Iterator[tuple[Any, Any]]:
    """Open a container with its first audio stream; raises `Undecodable` where there is none to decode."""
    stream.seek(0)
    demuxer = DEMUXERS[kind]
    if kind is AudioKind.MUSEPACK and musepack.is_old(stream):
        demuxer = _MUSEPACK_7_DEMUXER
    with av.open(Substream(stream), format=demuxer, **TAGS_OF_ANY_ENCODING) as container:
        if not container.streams.audio:
            raise Undecodable("it holds no audio stream")
        track = container.streams.audio[0]
        if track.codec_context is None:
            raise Undecodable("FFmpeg does not know its audio codec")
        track.codec_context.thread_count = 1
        yield container, track


def measure_seconds(container: Any, track: Any, effort: Effort) -> float:
    """Return the length in seconds of a file that does not say it, without decoding; 0 where packets have no times."""
    end, durations = 0, 0
    for packet in demux_intact(container, track, effort):
        durations += packet.duration or 0
        if packet.pts is not None:
            end = max(end, packet.pts + (packet.duration or 0))
    seconds = float((end - (track.start_time or 0)) * track.time_base)
    # Where no packet but the first has a time, the end of that is all there is.
    return seconds if seconds >= float(durations * track.time_base) / 2 else 0.0


def declared_seconds(container: Any, track: Any) -> float:
    """Return the length in seconds that a file says it has, 0 where it says none."""
    if track.duration:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def demux_intact(container: Any, track: Any, effort: Effort) -> Iterator[Any]:
    """Yield the packets up to where the container breaks off; raises `TooDemanding`."""
    with suppress(av.error.InvalidDataError):
        for packet in container.demux(track):
            effort.spend()
            yield packet


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).strip().rstrip(".")
