"""Reading by FFmpeg's libraries (PyAV): the formats that libsndfile lacks, and a second opinion on the others."""

from __future__ import annotations

import io
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av

# PyAV imports these when a file has such a stream, but a confined process (`audio.confinement`) can open no module.
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream
import numpy as np
import soxr

from soundalike.audio import musepack
from soundalike.audio.effort import Effort
from soundalike.audio.errors import TooDemanding, Undecodable
from soundalike.audio.mpeg_frames import RUN_UP_SECONDS, Framing, declares_length, index_frames
from soundalike.audio.pcm_file import check_layout, with_channels
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import Substream, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from soundalike.audio.pcm_file import PcmFile

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
_FRAMINGS: Final = {AudioKind.MP3: Framing.MP3, AudioKind.MP2: Framing.MP2, AudioKind.AAC: Framing.ADTS}
_EXACTLY_SEEKABLE: Final = frozenset(AudioKind) - {
    *(AudioKind.MP3, AudioKind.AAC, AudioKind.MP2, AudioKind.WAV, AudioKind.AIFF),
    *(AudioKind.AC3, AudioKind.EAC3, AudioKind.DTS, AudioKind.TRUEHD, AudioKind.AMR, AudioKind.SHORTEN, AudioKind.VOC),
}
_ESTIMATED: Final = frozenset(
    {AudioKind.AC3, AudioKind.EAC3, AudioKind.DTS, AudioKind.TRUEHD, AudioKind.MUSEPACK, AudioKind.WMA}
)
"""Kinds of which FFmpeg says how long they might be by their first frames, or to whole seconds.

Of ASF from a pipe it takes the time of buffering for a part of the length.
"""

_DSD: Final = frozenset({AudioKind.DSF, AudioKind.DFF})
_MAX_DSD_RATE: Final = 50_000
_MAX_DSD_REDUCTION: Final = 64
_MAX_FRAMES: Final = 40_000
"""Of one segment; a little more than TrueHD makes of it, with 1200 frames a second."""

_FRAMES_TO_TELL_THE_LAYOUT: Final = 8

# fmt: off
_DEEP_CODECS: Final = frozenset((
    "alac", "ape", "dsd_lsbf", "dsd_lsbf_planar", "dsd_msbf", "dsd_msbf_planar", "dst", "flac", "mlp", "tak", "truehd",
    "tta", "wavpack", "wmalossless",
    "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be",
))
# fmt: on
"""Codecs that keep what a deep sample format holds; lossy ones decode to floats without being deep."""


@contextmanager
def open_by_ffmpeg(stream: BinaryIO, kind: AudioKind) -> Iterator[PcmFile]:
    """Open a recording (see `audio.pcm_file.Opener`)."""
    with ExitStack() as stack:
        with _errors_translated():
            framing = _FRAMINGS.get(kind)
            if framing and not (kind is AudioKind.MP3 and declares_length(stream)):
                file: PcmFile = _UncountedFile(stream, kind, framing)
            else:
                file = stack.enter_context(closing(_ContainerFile(stream, kind)))
        yield file


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except av.error.MemoryError:
        raise
    except (av.FFmpegError, ArithmeticError, LookupError, ValueError) as error:
        raise Undecodable(f"FFmpeg cannot read it ({_reason(error)})") from error


# PyAV before 19 refuses files whose tags are not UTF-8 without this option, later ones have no such option.
TAGS_OF_ANY_ENCODING: Final[dict[str, Any]] = (
    {"metadata_errors": "ignore"} if int(av.__version__.partition(".")[0]) < 19 else {}
)


@contextmanager
def _open(stream: BinaryIO, kind: AudioKind) -> Iterator[tuple[Any, Any]]:
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


class _UncountedFile:
    """Frames that no container counts: they are indexed, and those that are asked for are decoded."""

    bits: Final = 16

    def __init__(self, stream: BinaryIO, kind: AudioKind, framing: Framing) -> None:
        self._stream, self._kind = stream, kind
        self._index = index_frames(stream, framing)
        if not self._index.offsets:
            raise Undecodable("FFmpeg finds no audio frame in it")
        with self._decoded(range(min(len(self._index.offsets), _FRAMES_TO_TELL_THE_LAYOUT))) as (first, _, _):
            self.rate, self.channels = first.sample_rate, len(first.layout.channels)
        check_layout(self.rate, self.channels)
        self.frames_total = round(self._index.seconds * self.rate)

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - always exact
        """Decode the frames `span`."""
        indexed = self._index.frames_for(span.start / self.rate, span.stop / self.rate)
        with _errors_translated(), self._decoded(indexed) as (first, frames, track):
            position = round(indexed.start * self._index.frame_seconds * self.rate)
            position += _position(first, track, 0, self.rate)
            return _collect(chain([first], frames), self.rate, self.channels, span, position)[0]

    @contextmanager
    def _decoded(self, indexed: range) -> Iterator[tuple[Any, Iterator[Any], Any]]:
        part = io.BytesIO(self._index.read(self._stream, indexed))
        with _open(part, self._kind) as (container, track):
            frames = _decode_frames(container, track, Effort(size(part)))
            yield _first(frames), frames, track


class _ContainerFile:
    """A container, which stays open where it was read last; DSD comes out of it at a rate below its own."""

    def __init__(self, stream: BinaryIO, kind: AudioKind) -> None:
        self._stream, self._kind = stream, kind
        self._effort = Effort(size(stream))
        self._can_seek = kind in _EXACTLY_SEEKABLE
        self._opened = ExitStack()
        self._frames: Iterator[Any] = iter(())
        self._frame_position = 0
        seconds = self._seconds()
        try:
            self._reopen()
            first = _first(self._frames)
            # The decoder knows the rate and the channels; what the container says of HE-AAC is often half of each.
            self._coded_rate, self.channels = first.sample_rate, len(first.layout.channels)
            self._reduction = _dsd_reduction(self._coded_rate) if kind in _DSD else 1
            self.rate = self._coded_rate // self._reduction
            check_layout(self.rate, self.channels)
        except BaseException:
            self.close()
            raise
        self._frames = chain([first], self._frames)
        self.frames_total = round(seconds * self._coded_rate) // self._reduction
        deep = first.format.name.startswith(("s32", "flt", "dbl")) and self._track.codec_context.name in _DEEP_CODECS
        self.bits = 24 if deep else 16

    def close(self) -> None:
        """Close the container, and leave the stream open."""
        self._opened.close()

    def read(self, span: range, *, roughly: bool = False) -> NDArray[np.float32]:
        """Decode the frames `span`."""
        coded = range(span.start * self._reduction, span.stop * self._reduction)
        with _errors_translated():
            if not self._seek(coded.start, roughly=roughly):
                self._can_seek = False
                self._reopen()
            samples, self._frame_position = _collect(
                self._frames, self._coded_rate, self.channels, coded, self._frame_position, self._reduction
            )
        return samples

    def _seconds(self) -> float:
        seconds = musepack.declared_seconds(self._stream) if self._kind is AudioKind.MUSEPACK else None
        if seconds:
            return seconds
        with _open(self._stream, self._kind) as (container, track):
            seconds = _declared_seconds(container, track) if self._kind not in _ESTIMATED else 0.0
            return seconds or _measure_seconds(container, track, self._effort)

    def _seek(self, start: int, *, roughly: bool) -> bool:
        """Go to a frame at or before `start`; False where only reading from the start of the file leads there."""
        if not self._can_seek or start <= 2 * RUN_UP_SECONDS * self._coded_rate:
            if self._frame_position > start:
                self._reopen()
            return True
        # Of FLAC in Ogg FFmpeg finds the right place only before it has read anything.
        if self._frame_position and not roughly:
            self._reopen()
        track = self._track
        origin = track.start_time or 0
        target = origin + int((start / self._coded_rate - RUN_UP_SECONDS) / track.time_base)
        try:
            self._container.seek(target, stream=track, backward=True)
        except av.FFmpegError:
            return False
        frames = _decode_frames(self._container, track, self._effort)
        first = next(frames, None)
        if first is None:
            self._frames, self._frame_position = iter(()), start
            return True
        self._frames, self._frame_position = chain([first], frames), _position(first, track, origin, self._coded_rate)
        return first.pts is not None and self._frame_position <= start

    def _reopen(self) -> None:
        self._opened.close()
        self._container, self._track = self._opened.enter_context(_open(self._stream, self._kind))
        self._frames = _decode_frames(self._container, self._track, self._effort)
        self._frame_position = 0


def _first(frames: Iterator[Any]) -> Any:
    first = next(frames, None)
    if first is None:
        raise Undecodable("FFmpeg finds no audio frame in it")
    return first


def _dsd_reduction(rate: int) -> int:
    """Return by how much to divide a rate of DSD, which above the range of hearing holds noise only."""
    reduction = 1
    while rate // reduction > _MAX_DSD_RATE and reduction < _MAX_DSD_REDUCTION:
        reduction *= 2
    return reduction


def _position(frame: Any, track: Any, origin: int, rate: int) -> int:
    return max(0, round((frame.pts - origin) * float(track.time_base) * rate)) if frame.pts is not None else 0


def _measure_seconds(container: Any, track: Any, effort: Effort) -> float:
    """Return the length in seconds of a file that does not say it, without decoding; 0 where packets have no times."""
    end, durations = 0, 0
    for packet in _demux_intact(container, track, effort):
        durations += packet.duration or 0
        if packet.pts is not None:
            end = max(end, packet.pts + (packet.duration or 0))
    seconds = float((end - (track.start_time or 0)) * track.time_base)
    # Where no packet but the first has a time, the end of that is all there is.
    return seconds if seconds >= float(durations * track.time_base) / 2 else 0.0


def _declared_seconds(container: Any, track: Any) -> float:
    if track.duration:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def _decode_frames(container: Any, track: Any, effort: Effort) -> Iterator[Any]:
    """Yield the decoded frames, passing over damaged packets; the caller counts what is missing at the end."""
    for packet in _demux_intact(container, track, effort):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _demux_intact(container: Any, track: Any, effort: Effort) -> Iterator[Any]:
    """Yield the packets up to where the container breaks off; raises `TooDemanding`."""
    with suppress(av.error.InvalidDataError):
        for packet in container.demux(track):
            effort.spend()
            yield packet


def _collect(
    frames: Iterable[Any], rate: int, channels: int, span: range, position: int, reduction: int = 1
) -> tuple[NDArray[np.float32], int]:
    """Join the frames `span` of a recording, the first of `frames` being at `position`.

    Returns float32 [n, channels] at `rate / reduction`, and the position that `frames` have come to.
    """
    parts: list[NDArray[np.float32]] = []
    resampler = soxr.ResampleStream(rate, rate // reduction, channels) if reduction > 1 else None
    for frame in frames:
        if len(parts) >= _MAX_FRAMES:
            raise TooDemanding("its frames are far shorter than those of a recording")
        if frame.sample_rate != rate:
            raise Undecodable("its sample rate changes midway")
        end = position + frame.samples
        if end > span.start:
            part = with_channels(_floats(frame), channels)[max(0, span.start - position) : span.stop - position]
            parts.append(resampler.resample_chunk(part) if resampler else part)
        position = end
        if position >= span.stop:
            break
    if resampler:
        parts.append(resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True))
    return np.concatenate(parts) if parts else np.zeros((0, channels), np.float32), position


def _floats(frame: Any) -> NDArray[np.float32]:
    raw = frame.to_ndarray()
    values = raw.T if frame.format.is_planar else raw.reshape(-1, len(frame.layout.channels))
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float32)
    if values.dtype == np.uint8:
        return np.asarray((values.astype(np.float32) - 128) / 128, dtype=np.float32)
    full_scale = 2.0 ** (8 * values.dtype.itemsize - 1)
    return np.asarray(values / full_scale, dtype=np.float32)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).strip().rstrip(".")
