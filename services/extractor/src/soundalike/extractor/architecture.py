"""The shape of Choi's compact network: five blocks of 32 channels over a log-mel spectrogram.

Source: K. Choi, G. Fazekas, M. Sandler, K. Cho: Transfer learning for music classification and regression tasks,
ISMIR 2017, and the programs published with it.
"""

from __future__ import annotations

from typing import Final

CHANNELS: Final = 32
POOLS: Final = ((2, 4), (3, 4), (2, 5), (2, 4), (4, 4))
"""Max-pooling of each block, (mel bands, frames)."""

LAYERS: Final = len(POOLS)
DIMENSIONS: Final = LAYERS * CHANNELS
"""Length of a vector: the mean of every channel after each block, the first block first."""

BN_EPSILON: Final = 1e-3

SAMPLES: Final = 348_000
"""Length of the input in samples at 12 kHz: 29 s."""

MEL_BANDS: Final = 96
FRAMES: Final = 1360
TAGS: Final = 50


def kernel_shape(layer: int) -> tuple[int, int, int, int]:
    """Return the shape (height, width, in, out) of the convolution of `layer`, counted from 0."""
    return (3, 3, 1 if layer == 0 else CHANNELS, CHANNELS)
