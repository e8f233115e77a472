"""The build of the LiteRT graphs that come with this package: `python -m soundalike.extractor.graph_builder FOLDER`.

Needs TensorFlow (the extra `build`), which the extractor does not. Run it after every change of the architecture.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.extractor.architecture import (
    BN_EPSILON,
    CHANNELS,
    DIMENSIONS,
    FRAMES,
    LAYERS,
    MEL_BANDS,
    POOLS,
    kernel_shape,
)
from soundalike.extractor.graph import CLIP, FIXED
from soundalike.extractor.tensorflow_backend import tensorflow

if TYPE_CHECKING:
    from numpy.typing import NDArray


def build(*, by_own_statistics: bool) -> bytes:
    """Return the network as a .tflite file with placeholder weights, replaced when the extractor starts.

    With fixed statistics a block is convolution, max-pooling, ELU (see `extractor.batch_norm_folding`).
    """
    tf = tensorflow()
    # All different, or the converter would merge them.
    numbers = np.random.default_rng(0)

    def constant(*shape: int) -> NDArray[np.float32]:
        return numbers.standard_normal(shape).astype(np.float32)

    def vectors(decibels: Any) -> Any:
        activation, means = decibels, []
        for number in range(LAYERS):
            kernel, bias, pool = constant(*kernel_shape(number)), constant(CHANNELS), POOLS[number]
            convolved = tf.nn.bias_add(tf.nn.conv2d(activation, kernel, strides=1, padding="SAME"), bias)
            if by_own_statistics:
                centred = convolved - _mean(convolved)
                variance = _mean(tf.square(centred))
                normal = centred * tf.math.rsqrt(variance + BN_EPSILON)
                activation = tf.nn.elu(normal * constant(CHANNELS) + constant(CHANNELS))
                activation = tf.nn.max_pool2d(activation, pool, pool, padding="VALID")
            else:
                activation = tf.nn.elu(tf.nn.max_pool2d(convolved, pool, pool, padding="VALID"))
            means.append(_mean(activation))
        return tf.reshape(tf.concat(means, axis=3), [1, DIMENSIONS])

    signature = [tf.TensorSpec([1, MEL_BANDS, FRAMES, 1], tf.float32, name="decibels")]
    function = tf.function(vectors, input_signature=signature).get_concrete_function()
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module()).convert())


def _mean(activation: Any) -> Any:
    tf = tensorflow()
    # LiteRT adds one number after the other: of 130,000 the last ones would lose their digits.
    return tf.reduce_mean(tf.reduce_mean(activation, axis=2, keepdims=True), axis=1, keepdims=True)


def main() -> None:
    """Write both graphs into the folder that is named."""
    folder = Path(sys.argv[1])
    for name, by_own_statistics in ((FIXED, False), (CLIP, True)):
        (folder / name).write_bytes(build(by_own_statistics=by_own_statistics))


if __name__ == "__main__":
    main()
