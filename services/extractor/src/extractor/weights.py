"""The weights of the network: the published ones, or the same network initialised by a fixed seed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h5py
import numpy as np

from extractor.architecture import CHANNELS, LAYERS, TAGS, kernel_shape
from extractor.errors import WeightsDamaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNTRAINED_SEED: Final = 2017


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
    """All five blocks; `sha256` tells them apart from any others. An untrained network has no tags to say."""

    layers: tuple[Layer, ...]
    sha256: str
    trained: bool
    tags: TagHead | None = None
    name: str = "choi-2017"


def parse(content: bytes) -> Weights:
    """Read the published HDF5 file (Keras 1, Theano order); raises `WeightsDamaged` where it holds something else.

    Theano convolves with kernels stored (out, in, height, width), TensorFlow correlates with (height, width, in, out):
    so both axes are flipped, then moved.
    """
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            layers = tuple(_layer(file, number) for number in range(LAYERS))
            tags = TagHead(
                _array(file, "dense_1/dense_1_W", (CHANNELS, TAGS)),
                _array(file, "dense_1/dense_1_b", (TAGS,)),
            )
    except OSError as error:
        raise WeightsDamaged(f"the weights are no HDF5 file: {error}") from error
    return Weights(layers, hashlib.sha256(content).hexdigest(), trained=True, tags=tags)


def untrained(seed: int = UNTRAINED_SEED) -> Weights:
    """Initialise the network by `seed` (He et al. 2015, uniform), the same on every machine and for ever."""
    # The raw output of a bit generator is the one thing that NumPy promises not to change.
    bits = np.random.PCG64(seed)
    digest = hashlib.sha256()
    layers = []
    for number in range(LAYERS):
        shape = kernel_shape(number)
        unit = (bits.random_raw(int(np.prod(shape))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        bound = np.sqrt(6.0 / np.prod(shape[:3]))
        kernel = ((2.0 * unit - 1.0) * bound).astype(np.float32).reshape(shape)
        digest.update(kernel.astype("<f4").tobytes())
        zeros, ones = np.zeros(CHANNELS, np.float32), np.ones(CHANNELS, np.float32)
        layers.append(Layer(kernel, bias=zeros, gamma=ones, beta=zeros))
    return Weights(tuple(layers), digest.hexdigest(), trained=False, name="untrained-choi-2017")


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
