"""Silence in a recording: what of it sounds, and what is left of it without long pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SILENCE_RMS: Final = 1e-4
"""-80 dB of full scale: above the noise of 16-bit dither, far below the quietest music."""

PAUSE_SECONDS: Final = 2
"""A shorter silence is a rest, and part of the music."""

BLOCK_SECONDS: Final = 0.1
_MAX_OFFSET_SHARE: Final = 0.5


def sounds(frames: NDArray[np.float32], rate: int) -> bool:
    """Tell whether anything in float32 [n, channels] is louder than silence."""
    return bool(_sounding_blocks(frames, rate).any())


def without_pauses(frames: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return float32 [n, channels] without the stretches in which nothing sounds for `PAUSE_SECONDS` or longer.

    Where there is none, the same array is returned.
    """
    kept = ~_pauses(_sounding_blocks(frames, rate))
    if kept.all():
        return frames
    block = _block_frames(rate)
    per_frame = np.repeat(kept, block)[: len(frames)]
    # What is left over behind the last block goes with it.
    return frames[np.pad(per_frame, (0, len(frames) - len(per_frame)), constant_values=kept[-1])]


def first_sound(frames: NDArray[np.float32], rate: int) -> int:
    """Return the frame where float32 [n, channels] begins to sound, to a block; 0 where it does nowhere."""
    sounding = np.flatnonzero(_sounding_blocks(frames, rate))
    return int(sounding[0]) * _block_frames(rate) if len(sounding) else 0


def _pauses(sounding: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which blocks belong to a pause."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], sounding, [True]])))
    pauses = np.zeros(len(sounding), np.bool_)
    for start, stop in edges.reshape(-1, 2):
        pauses[start:stop] = (stop - start) * BLOCK_SECONDS >= PAUSE_SECONDS
    return pauses


def _sounding_blocks(frames: NDArray[np.float32], rate: int) -> NDArray[np.bool_]:
    """Return for each block whether it is louder than silence, a constant offset of its samples aside."""
    block = min(_block_frames(rate), max(1, len(frames)))
    channels = frames.shape[1]
    blocks = frames[: len(frames) // block * block].reshape(-1, block, channels)
    power = block_power(blocks)
    loud: NDArray[np.bool_] = ~(power < SILENCE_RMS**2)
    # Damaged files hold numbers whose squares are none; they count as sound, and are refused for their loudness.
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.matmul(np.full((1, block), 1 / block, np.float32), blocks)[:, 0]
        offset = np.square(means).sum(axis=1) / channels
        # Elsewhere the offset is too small to make a block of silence look like sound; and squares lose precision.
        for number in np.flatnonzero(loud & (offset > _MAX_OFFSET_SHARE * power)):
            loud[number] = blocks[number].var(axis=0, dtype=np.float64).mean() >= SILENCE_RMS**2
    return loud


def block_power(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean square of each block, float32 [n] of float32 [n, …]; not finite where the samples are not."""
    rows = blocks.reshape(len(blocks), int(np.prod(blocks.shape[1:])))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.einsum("ij,ij->i", rows, rows) / np.float32(max(1, rows.shape[1])))


def _block_frames(rate: int) -> int:
    return round(BLOCK_SECONDS * rate)
