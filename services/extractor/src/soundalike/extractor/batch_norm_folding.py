"""Fixed batch normalisation folded into the convolution before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soundalike.extractor.architecture import BN_EPSILON

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.weights import Layer


def fold_batch_norm(
    layer: Layer, mean: NDArray[np.float32], variance: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the kernel float32 [3, 3, in, 32] and bias float32 [32] that convolve and normalise in one.

    What follows in the network (ELU) is monotone, and so gives the same before max-pooling as after it, also where the
    scale is negative: the sign is in the kernel.
    """
    scale = layer.gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + BN_EPSILON)
    bias = scale * (layer.bias.astype(np.float64) - mean) + layer.beta
    return (layer.kernel * scale).astype(np.float32), bias.astype(np.float32)
