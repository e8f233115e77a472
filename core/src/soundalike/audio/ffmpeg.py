"""Reading by FFmpeg's libraries (PyAV): the formats that libsndfile lacks, and a second opinion on the others."""

from __future__ import annotations

import io
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av

from soundalike.audio import musepack
from soundalike.audio.effort import Effort
from soundalike.audio.errors import Undecodable
from soundalike.audio.ffmpeg_container import (
    declared_seconds,
    errors_translated,
    measure_seconds,
    open_container,
)
from soundalike.audio.ffmpeg_frames import (
    collect_frames,
    decode_frames,
    first_frame,
    frame_position,
    stream_frames,
)
from soundalike.audio.mpeg_frames import RUN_UP_SECONDS, Framing, declares_length, index_frames
from soundalike.audio.pcm_file import check_layout, read_in_blocks
from soundalike.audio.sniff import AudioKind
from soundalike.audio.substream import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from soundalike.audio.pcm_file import PcmFile

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
        with errors_translated():
            framing = _FRAMINGS.get(kind)
            if framing and not (kind is AudioKind.MP3 and declares_length(stream)):
                file: PcmFile = _UncountedFile(stream, kind, framing)
            else:
                file = stack.enter_context(closing(_ContainerFile(stream, kind)))
        yield file


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
        with errors_translated(), self._decoded(indexed) as (first, frames, track):
            position = round(indexed.start * self._index.frame_seconds * self.rate)
            position += frame_position(first, track, 0, self.rate)
            return collect_frames(chain([first], frames), self.rate, self.channels, span, position)[0]

    def stream(self, span: range) -> Iterator[NDArray[np.float32]]:
        """Decode the frames `span` in blocks."""
        return read_in_blocks(self, span)

    @contextmanager
    def _decoded(self, indexed: range) -> Iterator[tuple[Any, Iterator[Any], Any]]:
        part = io.BytesIO(self._index.read(self._stream, indexed))
        with open_container(part, self._kind) as (container, track):
            frames = decode_frames(container, track, Effort(size(part)))
            yield first_frame(frames), frames, track


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
            first = first_frame(self._frames)
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
        with errors_translated():
            self._go_to(coded.start, roughly=roughly)
            samples, self._frame_position = collect_frames(
                self._frames, self._coded_rate, self.channels, coded, self._frame_position, self._reduction
            )
        return samples

    def stream(self, span: range) -> Iterator[NDArray[np.float32]]:
        """Decode the frames `span` in blocks, going to their start only once."""
        coded = range(span.start * self._reduction, span.stop * self._reduction)
        with errors_translated():
            self._go_to(coded.start, roughly=False)
            frames, position = self._frames, self._frame_position
            # What is left of them afterwards is anybody's guess.
            self._frames, self._frame_position = iter(()), coded.stop
            yield from stream_frames(frames, self._coded_rate, self.channels, coded, position, self._reduction)

    def _go_to(self, start: int, *, roughly: bool) -> None:
        if not self._seek(start, roughly=roughly):
            self._can_seek = False
            self._reopen()

    def _seconds(self) -> float:
        seconds = musepack.declared_seconds(self._stream) if self._kind is AudioKind.MUSEPACK else None
        if seconds:
            return seconds
        with open_container(self._stream, self._kind) as (container, track):
            seconds = declared_seconds(container, track) if self._kind not in _ESTIMATED else 0.0
            return seconds or measure_seconds(container, track, self._effort)

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
        frames = decode_frames(self._container, track, self._effort)
        first = next(frames, None)
        if first is None:
            self._frames, self._frame_position = iter(()), start
            return True
        self._frames, self._frame_position = (
            chain([first], frames),
            frame_position(first, track, origin, self._coded_rate),
        )
        return first.pts is not None and self._frame_position <= start

    def _reopen(self) -> None:
        self._opened.close()
        self._container, self._track = self._opened.enter_context(open_container(self._stream, self._kind))
        self._frames = decode_frames(self._container, self._track, self._effort)
        self._frame_position = 0


def _dsd_reduction(rate: int) -> int:
    """Return by how much to divide a rate of DSD, which above the range of hearing holds noise only."""
    reduction = 1
    while rate // reduction > _MAX_DSD_RATE and reduction < _MAX_DSD_REDUCTION:
        reduction *= 2
    return reduction
