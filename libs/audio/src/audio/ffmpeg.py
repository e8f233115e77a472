"""Reading by FFmpeg's libraries (PyAV): the formats that libsndfile lacks, and a second opinion on the others."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import av
import numpy as np

from audio.errors import Undecodable
from audio.passage import Passage, check_layout
from audio.sniffing import AudioKind, declares_mp3_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from audio.excerpt import ExcerptRule

# Named, never guessed by FFmpeg: among the demuxers it would try are playlists, which open other files and addresses.
_DEMUXERS: Final = {
    AudioKind.MP3: "mp3",
    AudioKind.M4A: "mov",
    AudioKind.AAC: "aac",
    AudioKind.OGG: "ogg",
    AudioKind.OPUS: "ogg",
    AudioKind.FLAC: "flac",
    AudioKind.WAV: "wav",
    AudioKind.AIFF: "aiff",
    AudioKind.WEBM: "matroska",
}
_SEEK_EXACTLY: Final = frozenset({AudioKind.M4A, AudioKind.OPUS, AudioKind.OGG, AudioKind.WEBM, AudioKind.FLAC})
_RUN_UP_SECONDS: Final = 1
"""Decoded and dropped before the wanted start: after a seek the first packets of AAC and Opus are not yet right."""

_DEEP: Final = frozenset({"alac", "flac", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s24be", "pcm_s32be"})
"""Codecs that keep what a deep sample format holds; lossy ones decode to floats without being deep."""


def read_by_ffmpeg(stream: BinaryIO, kind: AudioKind, rule: ExcerptRule) -> Passage:
    """Read the stretch that `rule` asks for (see `audio.passage.Reader`)."""
    try:
        undeclared = kind is AudioKind.AAC or (kind is AudioKind.MP3 and not declares_mp3_length(stream))
        seconds = _sum_packets(stream, kind) if undeclared else None
        with av.open(stream, format=_DEMUXERS[kind], metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise Undecodable("it holds no sound")
            track = container.streams.audio[0]
            track.codec_context.thread_count = 1
            return _read(container, track, kind, rule, seconds)
    except (av.FFmpegError, ArithmeticError, LookupError, ValueError) as error:
        raise Undecodable(f"FFmpeg cannot read it ({_reason(error)})") from error


def _read(container: Any, track: Any, kind: AudioKind, rule: ExcerptRule, seconds: float | None) -> Passage:
    frames = _decoded(container, track)
    first = next(frames, None)
    if first is None:
        raise Undecodable("FFmpeg finds no frame of sound in it")
    # The decoder knows the rate and the channels; what the container says of HE-AAC is often half of each.
    rate, channels = first.sample_rate, len(first.layout.channels)
    check_layout(rate, channels)
    total = round((_seconds_declared(container, track) if seconds is None else seconds) * rate)
    span = rule.span(total, rate) if total else range((rule.seconds + rule.margin) * rate)
    position = 0
    if kind in _SEEK_EXACTLY and span.start > 2 * _RUN_UP_SECONDS * rate:
        origin = track.start_time or 0
        container.seek(
            origin + int((span.start / rate - _RUN_UP_SECONDS) / track.time_base), stream=track, backward=True
        )
        frames = _decoded(container, track)
        first = next(frames, None)
        if first is None:
            return Passage(np.zeros((0, channels), np.float32), rate, len(span), total / rate, 16)
        position = max(0, round((first.pts - origin) * float(track.time_base) * rate)) if first.pts is not None else 0
        if position > span.start:
            raise Undecodable("FFmpeg cannot find the middle of it")
    wanted = _collect(chain([first], frames), rate, channels, range(span.start - position, span.stop - position))
    return Passage(
        frames=wanted,
        rate=rate,
        frames_declared=len(span) if total else len(wanted),
        seconds_total=total / rate if total else len(wanted) / rate,
        bits=24 if first.format.name.startswith(("s32", "flt", "dbl")) and track.codec_context.name in _DEEP else 16,
    )


def _sum_packets(stream: BinaryIO, kind: AudioKind) -> float:
    """Measure, in seconds, a bare stream whose length is declared nowhere (FFmpeg guesses by the bit rate)."""
    with av.open(stream, format=_DEMUXERS[kind], metadata_errors="ignore") as container:
        packets = _intact(container, container.streams.audio[0])
        seconds = sum(float((packet.duration or 0) * packet.time_base) for packet in packets if packet.size)
    stream.seek(0)
    return seconds


def _seconds_declared(container: Any, track: Any) -> float:
    if track.duration:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def _decoded(container: Any, track: Any) -> Iterator[Any]:
    """Yield the decoded frames, passing over damaged packets; the caller counts what is missing at the end."""
    for packet in _intact(container, track):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _intact(container: Any, track: Any) -> Iterator[Any]:
    """Yield the packets up to where the container breaks off."""
    with suppress(av.error.InvalidDataError):
        yield from container.demux(track)


def _collect(frames: Iterable[Any], rate: int, channels: int, wanted: range) -> NDArray[np.float32]:
    """Join the frames `wanted`, counted from the first of `frames`, to float32 [n, channels]."""
    parts: list[NDArray[np.float32]] = []
    position = 0
    for frame in frames:
        if position >= wanted.stop:
            break
        if frame.sample_rate != rate or len(frame.layout.channels) != channels:
            raise Undecodable("its sample rate or its number of channels changes midway")
        end = position + frame.samples
        if end > wanted.start:
            part = _floats(frame, channels)
            parts.append(part[max(0, wanted.start - position) : wanted.stop - position])
        position = end
    return np.concatenate(parts) if parts else np.zeros((0, channels), np.float32)


def _floats(frame: Any, channels: int) -> NDArray[np.float32]:
    raw = frame.to_ndarray()
    values = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float32)
    if values.dtype == np.uint8:
        return np.asarray((values.astype(np.float32) - 128) / 128, dtype=np.float32)
    full_scale = 2.0 ** (8 * values.dtype.itemsize - 1)
    return np.asarray(values / full_scale, dtype=np.float32)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).strip().rstrip(".")
