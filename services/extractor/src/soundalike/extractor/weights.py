"""The weights of the network, and the file that the published ones come in."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from soundalike.extractor.architecture import CHANNELS, LAYERS, TAGS, kernel_shape
from soundalike.extractor.errors import WeightsDamaged

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block: `kernel` float32 [3, 3, in, 32] as TensorFlow correlates it; `bias`, `gamma`, `beta` float32 [32]."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TagHead:
    """The tagger's output layer on the last block's 32 values: `kernel` float32 [32, 50], `bias` float32 [50]."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """All five blocks, and the output layer of a network with tags; `sha256` identifies them."""

    layers: tuple[Layer, ...]
    sha256: str
    tags: TagHead | None = None
    name: str = "choi-2017"


def parse(content: bytes) -> Weights:
    """Read the published HDF5 file (Keras 1, Theano order); raises `WeightsDamaged` for anything else.

    Theano convolves with kernels stored (out, in, height, width), TensorFlow correlates with (height, width, in, out):
    so both axes are flipped, then moved.
    """
    # Nothing but the published weights is in this format.
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            layers = tuple(_layer(file, number) for number in range(LAYERS))
            tags = TagHead(
                _array(file, "dense_1/dense_1_W", (CHANNELS, TAGS)),
                _array(file, "dense_1/dense_1_b", (TAGS,)),
            )
    except OSError as error:
        raise WeightsDamaged(f"the weights are not an HDF5 file: {error}") from error
    return Weights(layers, hashlib.sha256(content).hexdigest(), tags=tags)


def _layer(file: h5py.File, number: int) -> Layer:
    convolution = f"ConvBNEluDr/convolution2d_{number + 1}_"
    normalisation = f"ConvBNEluDr/batchnormalization_{number + 1}_"
    height, width, inputs, outputs = kernel_shape(number)
    stored = _array(file, convolution + "W", (outputs, inputs, height, width))
    return Layer(
        kernel=np.ascontiguousarray(stored[:, :, ::-1, ::-1].transpose(2, 3, 1, 0)),
        bias=_array(file, convolution + "b", (CHANNELS,)),
        gamma=_array(file, normalisation + "gamma", (CHANNELS,)),
        beta=_array(file, normalisation + "beta", (CHANNELS,)),
    )


def _array(file: h5py.File, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if name not in file:
        raise WeightsDamaged(f"the weights file lacks {name}")
    array = np.asarray(file[name], dtype=np.float32)
    if array.shape != shape:
        raise WeightsDamaged(f"{name} in the weights file has shape {array.shape} instead of {shape}")
    if not np.isfinite(array).all():
        raise WeightsDamaged(f"{name} in the weights file holds values that are not finite")
    return array
