"""Frames that FFmpeg's libraries (PyAV) decode, as samples."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np
import soxr

from soundalike.audio.errors import TooDemanding, Undecodable
from soundalike.audio.ffmpeg_container import demux_intact
from soundalike.audio.pcm_file import with_channels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from soundalike.audio.effort import Effort

_BLOCK_SECONDS: Final = 0.5
_MAX_FRAMES: Final = 40_000
"""Of one segment; a little more than TrueHD makes of it, with 1200 frames a second."""


def first_frame(frames: Iterator[Any]) -> Any:
    """Return the first of decoded frames; raises `Undecodable` where there is none."""
    first = next(frames, None)
    if first is None:
        raise Undecodable("FFmpeg finds no audio frame in it")
    return first


def frame_position(frame: Any, track: Any, origin: int, rate: int) -> int:
    """Return the place of a frame in samples after the time `origin`, 0 where it has no time."""
    return max(0, round((frame.pts - origin) * float(track.time_base) * rate)) if frame.pts is not None else 0


def decode_frames(container: Any, track: Any, effort: Effort) -> Iterator[Any]:
    """Yield the decoded frames, passing over damaged packets; the caller counts what is missing at the end."""
    for packet in demux_intact(container, track, effort):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def collect_frames(
    frames: Iterable[Any], rate: int, channels: int, span: range, position: int, reduction: int = 1
) -> tuple[NDArray[np.float32], int]:
    """Join the frames `span` of a recording, the first of `frames` being at `position`.

    Returns float32 [n, channels] at `rate / reduction`, and the position that `frames` have come to.
    """
    parts: list[NDArray[np.float32]] = []
    resampler = soxr.ResampleStream(rate, rate // reduction, channels) if reduction > 1 else None
    for part, end in _parts(frames, rate, channels, span, position):
        if len(parts) >= _MAX_FRAMES:
            raise TooDemanding("its frames are far shorter than those of a recording")
        if len(part):
            parts.append(resampler.resample_chunk(part) if resampler else part)
        position = end
    if resampler:
        parts.append(resampler.resample_chunk(np.zeros((0, channels), np.float32), last=True))
    return np.concatenate(parts) if parts else np.zeros((0, channels), np.float32), position


def stream_frames(
    frames: Iterable[Any], rate: int, channels: int, span: range, position: int, reduction: int = 1
) -> Iterator[NDArray[np.float32]]:
    """Yield in blocks what `collect_frames` returns, for as long as there is any."""
    resampler = soxr.ResampleStream(rate, rate // reduction, channels) if reduction > 1 else None
    parts: list[NDArray[np.float32]] = []
    length = 0
    for part, _ in _parts(frames, rate, channels, span, position):
        parts.append(part)
        length += len(part)
        if length >= rate * _BLOCK_SECONDS or len(parts) >= _MAX_FRAMES:
            block = np.concatenate(parts)
            yield resampler.resample_chunk(block) if resampler else block
            parts, length = [], 0
    block = np.concatenate([*parts, np.zeros((0, channels), np.float32)])
    yield resampler.resample_chunk(block, last=True) if resampler else block


def _parts(
    frames: Iterable[Any], rate: int, channels: int, span: range, position: int
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield what of each frame lies in `span`, which may be nothing, with the position of the frame's end."""
    for frame in frames:
        if frame.sample_rate != rate:
            raise Undecodable("its sample rate changes midway")
        end = position + frame.samples
        if end > span.start:
            yield with_channels(_floats(frame), channels)[max(0, span.start - position) : span.stop - position], end
        else:
            yield np.zeros((0, channels), np.float32), end
        position = end
        if position >= span.stop:
            break


def _floats(frame: Any) -> NDArray[np.float32]:
    raw = frame.to_ndarray()
    values = raw.T if frame.format.is_planar else raw.reshape(-1, len(frame.layout.channels))
    if values.dtype.kind == "f":
        return np.asarray(values, dtype=np.float32)
    if values.dtype == np.uint8:
        return np.asarray((values.astype(np.float32) - 128) / 128, dtype=np.float32)
    full_scale = 2.0 ** (8 * values.dtype.itemsize - 1)
    return np.asarray(values / full_scale, dtype=np.float32)
