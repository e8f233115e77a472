"""Channels to one: their mean, and another mix only where the mean would cancel what sounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.pcm_file import downmix
from soundalike.audio.silence import SILENCE_RMS, block_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIN_SHARE_OF_UNCORRELATED: Final = 0.5
"""Of channels that have nothing in common the mean keeps 1/n of their energy; a single channel among silent ones
keeps as much. Less than half of that comes only of channels that are each other's opposites: of two channels the
difference is then more than three times as strong as the mean."""

_BLOCK_SECONDS: Final = 1
_MIN_PASSAGE_BLOCKS: Final = 3
"""For a shorter time an effect of the music itself may oppose the channels."""


def mix_down(frames: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Mix float32 [n, channels] to float32 [n] by the mean of the channels.

    Where that would cancel most of the sound, in all of it or in a passage, the mean is taken with those channels
    turned over that are opposed to the strongest; and where that cancels as well, the strongest stands for all.
    """
    channels = frames.shape[1]
    block = _BLOCK_SECONDS * rate
    mono = downmix(frames)
    count = len(frames) // block
    if channels == 1 or count == 0:
        return mono
    blocks = frames[: count * block].reshape(count, block, channels)
    required = _MIN_SHARE_OF_UNCORRELATED / channels * block_power(blocks)
    if (block_power(mono[: count * block].reshape(count, block)) >= required).all():
        return mono
    energies = _energies(blocks)
    total, mean = energies.sum(axis=0), np.full(channels, 1 / channels)
    # Of all blocks the same channel keeps its sign, so that a mix does not jump where another begins.
    reference = int(np.argmax(np.diagonal(total)))
    usual = _weights(total / count, mean, reference)
    weights = np.stack([_weights(energy, usual, reference) for energy in energies])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], (weights != usual).any(axis=1), [False]])))
    for start, stop in edges.reshape(-1, 2):
        if stop - start < _MIN_PASSAGE_BLOCKS:
            weights[start:stop] = usual
    if (weights == mean).all():
        return mono
    mixed = np.empty(len(frames), np.float32)
    for number, weight in enumerate(weights.astype(np.float32)):
        # What is left over behind the last block goes with it.
        part = slice(number * block, (number + 1) * block if number < count - 1 else None)
        mixed[part] = frames[part] @ weight
    return mixed


def _energies(blocks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return for each block the energies of its channels and what they share, float64 [blocks, channels, channels]."""
    # Damaged files hold numbers whose squares are none.
    with np.errstate(over="ignore", invalid="ignore"):
        shared = blocks.swapaxes(1, 2) @ blocks
    return np.asarray(shared / np.float32(blocks.shape[1]), dtype=np.float64)


def _weights(energy: NDArray[np.float64], usual: NDArray[np.float64], reference: int) -> NDArray[np.float64]:
    """Return the weights of the channels: the usual ones, unless these cancel."""
    channels = len(energy)
    total = float(np.trace(energy))
    if not np.isfinite(total) or total <= SILENCE_RMS**2 * channels:
        return usual
    # The mean of uncorrelated channels has the energy total / channels**2.
    required = _MIN_SHARE_OF_UNCORRELATED * total / channels**2
    strongest = int(np.argmax(np.diagonal(energy)))
    turned = np.where(energy[strongest] < 0, -1.0, 1.0) / channels
    for weights in (usual, turned * np.sign(turned[reference])):
        if weights @ energy @ weights >= required:
            return weights
    return np.asarray(np.eye(channels)[strongest])
