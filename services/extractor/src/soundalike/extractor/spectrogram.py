"""The log-mel spectrogram that the network was trained on.

Source: kapre as it stood for the 2017 programs, on Theano: 'half' framing, a true convolution (so the window is
reversed in time), power, 96 Slaney bands, decibels below the loudest value, floored at -80.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.excerpt import RATE
from soundalike.extractor.architecture import FRAMES, MEL_BANDS, SAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_FFT: Final = 512
HOP: Final = 256
MIN_POWER: Final = 1e-10
FLOOR_DB: Final = -80.0
DECIBELS_PER_NEPER: Final = 10.0 / float(np.log(10.0))
_BLOCK_FRAMES: Final = FRAMES // 10
"""Frames whose spectra fit the cache; all in one block take twice as long."""

_BANDS_PER_BLOCK: Final = 12
"""The bins of neighbouring bands overlap, so that the zeros of the filter bank are skipped; and OpenBLAS runs products
so small in one thread: on a busy machine its threads take ten times as long."""

_HERTZ_PER_MEL: Final = 200 / 3
_BEND_HERTZ: Final = 1000.0
_BEND_MELS: Final = _BEND_HERTZ / _HERTZ_PER_MEL
_LOG_STEP: Final = float(np.log(6.4)) / 27
_TOP_MELS: Final = _BEND_MELS + float(np.log(RATE / 2 / _BEND_HERTZ)) / _LOG_STEP


def fit_length(samples: NDArray[np.float32], *, repeat: bool) -> NDArray[np.float32]:
    """Cut float32 [n] at 12 kHz to the 348000 samples of the network; a shorter clip is repeated, or ends in zeros.

    The published extraction script pads with zeros. Under fixed statistics they count as silence that the clip does not
    have: 12 s of a clip then find their own 29 s first in 0.5 % of cases, repeated in 96 %
    (414 clips of game music).
    """
    clip = np.asarray(samples, dtype=np.float32)[:SAMPLES]
    if repeat and len(clip):
        return np.resize(clip, SAMPLES)
    return np.pad(clip, (0, SAMPLES - len(clip)))


def window() -> NDArray[np.float32]:
    """Return the analysis window float32 [512]: a periodic Hann, reversed in time."""
    periodic = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    return np.ascontiguousarray(periodic[::-1]).astype(np.float32)


def mel_matrix() -> NDArray[np.float32]:
    """Return the filter bank float32 [257, 96]: Slaney's scale and area normalisation, 0 to 6000 Hz.

    Source: M. Slaney, Auditory Toolbox, Interval technical report 1998-010: linear below 1 kHz, logarithmic above.
    """
    edges = _hertz(np.linspace(0.0, _TOP_MELS, MEL_BANDS + 2))
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(N_FFT // 2 + 1)[:, np.newaxis] * (RATE / N_FFT)
    triangles = np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre))
    return (np.maximum(triangles, 0.0) * (2.0 / (upper - lower))).astype(np.float32)


def decibels(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spectrogram float32 [96, 1360] of float32 [348000], its maximum 0."""
    hann, bank = _constants()
    padded = np.zeros((FRAMES + 1) * HOP, np.float32)
    padded[N_FFT // 2 : N_FFT // 2 + SAMPLES] = samples
    hops = padded.reshape(FRAMES + 1, HOP)
    level = np.empty((MEL_BANDS, FRAMES), np.float32)
    frames = np.empty((_BLOCK_FRAMES, N_FFT), np.float32)
    for start in range(0, FRAMES, _BLOCK_FRAMES):
        block = slice(start, start + _BLOCK_FRAMES)
        np.multiply(hops[block], hann[:HOP], out=frames[:, :HOP])
        np.multiply(hops[start + 1 : start + 1 + _BLOCK_FRAMES], hann[HOP:], out=frames[:, HOP:])
        parts = np.fft.rfft(frames).view(np.float32)
        np.square(parts, out=parts)
        power = parts[:, 0::2] + parts[:, 1::2]
        for bands, bins, filters in bank:
            level[bands, block] = filters @ power[:, bins].T
    np.log(np.maximum(level, np.float32(MIN_POWER), out=level), out=level)
    level *= np.float32(DECIBELS_PER_NEPER)
    level -= level.max()
    return np.maximum(level, np.float32(FLOOR_DB), out=level)


@cache
def _constants() -> tuple[NDArray[np.float32], tuple[tuple[slice, slice, NDArray[np.float32]], ...]]:
    """Return the window, and the filter bank in pieces: which bands, of which bins, float32 [bands, bins]."""
    whole, pieces = mel_matrix().T, []
    for first in range(0, MEL_BANDS, _BANDS_PER_BLOCK):
        bands = slice(first, first + _BANDS_PER_BLOCK)
        nonzero = np.flatnonzero(whole[bands].any(axis=0))
        bins = slice(int(nonzero[0]), int(nonzero[-1]) + 1)
        pieces.append((bands, bins, np.ascontiguousarray(whole[bands, bins])))
    return window(), tuple(pieces)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _BEND_HERTZ * np.exp((mels - _BEND_MELS) * _LOG_STEP)
    return np.where(mels < _BEND_MELS, mels * _HERTZ_PER_MEL, above)
