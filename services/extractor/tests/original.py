"""The original program by its definition: float64, one operation after the other, and nothing of the extractor's code.

Source: the network and the extraction script published with K. Choi et al., ISMIR 2017 (Keras 1.2.2 on Theano 0.9.0,
kapre of that time). `test_parity.py` shows that its own numbers are these.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import h5py
import numpy as np
from librosa.filters import mel

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOLS = ((2, 4), (3, 4), (2, 5), (2, 4), (4, 4))


def spectrogram(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return decibels [96, 1360] of the samples [348000] at 12 kHz."""
    padded = np.concatenate([np.zeros(256), samples.astype(np.float64), np.zeros(256)])
    # Theano convolves, so the window runs backwards.
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512))[::-1]
    frames = np.stack([padded[256 * i : 256 * i + 512] * hann for i in range(1360)])
    bank = mel(sr=12_000, n_fft=512, n_mels=96, fmin=0, fmax=6000, htk=False, norm="slaney", dtype=np.float64)
    level = 10 * np.log10(np.maximum(np.abs(np.fft.rfft(frames)) ** 2 @ bank.T, 1e-10))
    return np.maximum(level - level.max(), -80.0).T


def embed(
    samples: NDArray[np.float32], weights: bytes, statistics: tuple[NDArray[np.float32], NDArray[np.float32]] | None
) -> NDArray[np.float64]:
    """Return the vector [160] of samples [348000], by weights in the published file's layout.

    Normalised by the clip's own moments, or by `statistics`, mean and variance [5, 32] each.
    """
    activation, means = spectrogram(samples)[np.newaxis], []
    with h5py.File(io.BytesIO(weights), "r") as file:
        group = file["ConvBNEluDr"]
        for number, pool in enumerate(POOLS):
            kernel, bias = (group[f"convolution2d_{number + 1}_{name}"][()].astype(np.float64) for name in "Wb")
            gamma, beta = (
                group[f"batchnormalization_{number + 1}_{name}"][()].astype(np.float64) for name in ("gamma", "beta")
            )
            convolved = convolve(activation, kernel) + bias[:, np.newaxis, np.newaxis]
            if statistics is None:
                mean, variance = convolved.mean(axis=(1, 2)), convolved.var(axis=(1, 2))
            else:
                mean, variance = (array[number].astype(np.float64) for array in statistics)
            scale = gamma / np.sqrt(variance + 1e-3)
            normalised = (convolved - mean[:, np.newaxis, np.newaxis]) * scale[:, np.newaxis, np.newaxis]
            normalised += beta[:, np.newaxis, np.newaxis]
            elu = np.where(normalised > 0, normalised, np.expm1(np.minimum(normalised, 0)))
            activation = max_pool(elu, *pool)
            means.append(activation.mean(axis=(1, 2)))
    return np.concatenate(means)


def convolve(activation: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve [in, height, width] with [out, in, 3, 3], which flips the kernel on both axes, to the same size."""
    _, height, width = activation.shape
    padded = np.pad(activation, ((0, 0), (1, 1), (1, 1)))
    result = np.zeros((len(kernel), height, width))
    for y in range(3):
        for x in range(3):
            result += np.tensordot(kernel[:, :, 2 - y, 2 - x], padded[:, y : y + height, x : x + width], 1)
    return result


def max_pool(activation: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Return the maxima of whole pools of [channels, height, width]; what is left at the end is dropped."""
    channels, rows, columns = len(activation), activation.shape[1] // height, activation.shape[2] // width
    cut = activation[:, : rows * height, : columns * width]
    return cut.reshape(channels, rows, height, columns, width).max(axis=(2, 4))
