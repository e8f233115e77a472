"""The network in TensorFlow: what statistics are measured with, and what `extractor.network` is compared with.

The extractor never loads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from soundalike.extractor.architecture import BN_EPSILON, FRAMES, LAYERS, MEL_BANDS, POOLS, SAMPLES
from soundalike.extractor.batch_norm_folding import fold_batch_norm
from soundalike.extractor.spectrogram import DECIBELS_PER_NEPER, FLOOR_DB, HOP, MIN_POWER, N_FFT, mel_matrix, window
from soundalike.extractor.tensorflow_backend import tensorflow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import Layer, Weights


class ReferenceNetwork:
    """From samples to vectors, as `extractor.network.Network`; a batch changes nothing."""

    def __init__(self, weights: Weights, statistics: Statistics | None) -> None:
        tf = tensorflow()
        spectrogram = log_mel()

        def vectors(samples: Any) -> Any:
            activation = spectrogram(samples)[..., tf.newaxis]
            means = []
            for number, layer in enumerate(weights.layers):
                if statistics is None:
                    activation = clip_block(activation, layer, POOLS[number])
                else:
                    fixed = statistics.mean[number], statistics.variance[number]
                    activation = fixed_block(activation, layer, POOLS[number], *fixed)
                means.append(tf.reduce_mean(activation, axis=[1, 2]))
            return tf.concat(means, axis=1)

        self._vectors = tf.function(vectors, input_signature=[tf.TensorSpec([None, SAMPLES], tf.float32)])

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 [n, 160] for float32 [n, 348000] at 12 kHz."""
        return np.asarray(self._vectors(samples).numpy(), dtype=np.float32)


def log_mel() -> Callable[[Any], Any]:
    """Return the function from a float32 tensor [n, 348000] to decibels [n, 96, 1360], each clip's maximum 0.

    As `extractor.spectrogram.decibels` has it in NumPy.
    """
    tf = tensorflow()
    bank, hann = tf.constant(mel_matrix()), tf.constant(window())

    def spectrogram(samples: Any) -> Any:
        padded = tf.pad(samples, [[0, 0], [N_FFT // 2, (FRAMES + 1) * HOP - N_FFT // 2 - SAMPLES]])
        # Every frame is two hops long: cheaper to lay side by side than to gather.
        hops = tf.reshape(padded, [-1, FRAMES + 1, HOP])
        frames = tf.concat([hops[:, :-1], hops[:, 1:]], axis=2) * hann
        spectrum = tf.signal.rfft(frames)
        power = tf.square(tf.math.real(spectrum)) + tf.square(tf.math.imag(spectrum))
        level = DECIBELS_PER_NEPER * tf.math.log(tf.maximum(tf.matmul(power, bank), MIN_POWER))
        relative = level - tf.reduce_max(level, axis=[1, 2], keepdims=True)
        return tf.transpose(tf.maximum(relative, FLOOR_DB), [0, 2, 1])

    return spectrogram


class Probe:
    """The network up to the normalisation of one layer, given the statistics of the layers before it."""

    def __init__(self, weights: Weights, mean: NDArray[np.float32], variance: NDArray[np.float32]) -> None:
        layer = len(mean)
        if not 0 <= layer < LAYERS:
            raise ValueError("a probe needs the statistics of fewer layers than the network has")
        tf = tensorflow()

        def moments(spectrograms: Any) -> tuple[Any, Any]:
            activation = spectrograms[..., tf.newaxis]
            for number in range(layer):
                activation = fixed_block(
                    activation, weights.layers[number], POOLS[number], mean[number], variance[number]
                )
            return tuple(tf.nn.moments(_convolve(activation, weights.layers[layer]), axes=[1, 2]))

        signature = [tf.TensorSpec([None, MEL_BANDS, FRAMES], tf.float32)]
        self._moments = tf.function(moments, input_signature=signature)

    def __call__(self, spectrograms: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each clip's mean and variance, float64 [n, 32] each, for float32 [n, 96, 1360]."""
        mean, variance = self._moments(spectrograms)
        return mean.numpy().astype(np.float64), variance.numpy().astype(np.float64)


def fixed_block(
    activation: Any, layer: Layer, pool: tuple[int, int], mean: NDArray[np.float32], variance: NDArray[np.float32]
) -> Any:
    """Convolve, normalise by given statistics, pool, ELU: see `fold_batch_norm` for why the pooling may come first.

    ELU then works on an eighth to a sixteenth of the values.
    """
    tf = tensorflow()
    kernel, bias = fold_batch_norm(layer, mean, variance)
    convolved = tf.nn.bias_add(tf.nn.conv2d(activation, kernel, strides=1, padding="SAME"), bias)
    return tf.nn.elu(tf.nn.max_pool2d(convolved, pool, pool, padding="VALID"))


def clip_block(activation: Any, layer: Layer, pool: tuple[int, int]) -> Any:
    """Convolve, normalise every clip by its own mean and variance, ELU, pool, in the order of the original."""
    tf = tensorflow()
    convolved = _convolve(activation, layer)
    mean, variance = tf.nn.moments(convolved, axes=[1, 2], keepdims=True)
    normalised = tf.nn.batch_normalization(convolved, mean, variance, layer.beta, layer.gamma, BN_EPSILON)
    return tf.nn.max_pool2d(tf.nn.elu(normalised), pool, pool, padding="VALID")


def _convolve(activation: Any, layer: Layer) -> Any:
    tf = tensorflow()
    return tf.nn.bias_add(tf.nn.conv2d(activation, layer.kernel, strides=1, padding="SAME"), layer.bias)
