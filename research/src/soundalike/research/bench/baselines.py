"""What others would do with the same weights: the published way, and a plain port of it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import librosa
import numpy as np

from soundalike.extractor.architecture import BN_EPSILON, FRAMES, LAYERS, MEL_BANDS, POOLS, SAMPLES
from soundalike.extractor.spectrogram import FLOOR_DB, HOP, MIN_POWER, N_FFT, mel_matrix, window
from soundalike.extractor.tensorflow_backend import tensorflow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import Layer, Weights

RATE: Final = 12_000


def by_librosa(mp3: bytes) -> NDArray[np.float32]:
    """Decode, mix and resample as the published script does, with today's librosa (soxr, where it once had resampy)."""
    samples, _ = librosa.load(io.BytesIO(mp3), sr=RATE, duration=SAMPLES / RATE)
    return np.asarray(np.resize(samples, SAMPLES), dtype=np.float32)


class PublishedWay:
    """Five networks, each cut off after one more block and with a spectrogram of its own, one clip at a time.

    As in the extraction script of 2017, rewritten in today's Keras: spectrograms by convolution, normalisation by each
    clip's own statistics. It gives the vectors of STATISTICS=clip.
    """

    def __init__(self, weights: Weights) -> None:
        self._networks = [_cut_off(weights, depth) for depth in range(1, LAYERS + 1)]

    def __call__(self, mp3: bytes) -> NDArray[np.float32]:
        """Return float32 [160] for a file's content."""
        samples = by_librosa(mp3)[np.newaxis, :, np.newaxis]
        return np.concatenate([network.predict(samples, verbose=0)[0] for network in self._networks])


class PlainPort:
    """The port that comes to mind: spectrogram by librosa, one Keras network with five outputs, fixed statistics."""

    def __init__(self, weights: Weights, statistics: Statistics) -> None:
        keras = tensorflow().keras
        spectrogram = keras.Input((MEL_BANDS, FRAMES, 1))
        self._network = keras.Model(spectrogram, _blocks(spectrogram, weights, LAYERS, statistics))

    def __call__(self, mp3: bytes) -> NDArray[np.float32]:
        """Return float32 [160] for a file's content."""
        power = librosa.feature.melspectrogram(
            y=by_librosa(mp3), sr=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=MEL_BANDS, pad_mode="constant"
        )[:, :FRAMES]
        decibels = librosa.power_to_db(power, ref=np.max, amin=MIN_POWER, top_db=-FLOOR_DB)
        outputs = self._network.predict(decibels[np.newaxis, :, :, np.newaxis], verbose=0)
        return np.concatenate([output[0] for output in outputs])


def _cut_off(weights: Weights, depth: int) -> Any:
    keras = tensorflow().keras
    samples = keras.Input((SAMPLES, 1))
    return keras.Model(samples, _blocks(_spectrogram(samples), weights, depth, None)[-1])


def _spectrogram(samples: Any) -> Any:
    """Convolve with the sines and cosines of the transform, as kapre did."""
    keras = tensorflow().keras
    angles = 2 * np.pi * np.outer(np.arange(N_FFT), np.arange(N_FFT // 2 + 1)) / N_FFT
    padded = keras.layers.ZeroPadding1D((N_FFT // 2, N_FFT // 2))(samples)
    parts = []
    for wave in (np.cos(angles), np.sin(angles)):
        layer = keras.layers.Conv1D(wave.shape[1], N_FFT, strides=HOP, use_bias=False)
        parts.append(keras.ops.square(layer(padded)[:, :FRAMES]))
        layer.set_weights([(wave * window()[:, np.newaxis])[:, np.newaxis].astype(np.float32)])
    bands = keras.layers.Dense(MEL_BANDS, use_bias=False)
    level = keras.ops.log(keras.ops.maximum(bands(parts[0] + parts[1]), MIN_POWER)) * float(10 / np.log(10))
    bands.set_weights([mel_matrix()])
    relative = keras.ops.maximum(level - keras.ops.max(level, axis=[1, 2], keepdims=True), FLOOR_DB)
    return keras.ops.expand_dims(keras.ops.transpose(relative, [0, 2, 1]), -1)


def _blocks(activation: Any, weights: Weights, depth: int, statistics: Statistics | None) -> list[Any]:
    layers = tensorflow().keras.layers
    means = []
    for number in range(depth):
        layer_weights = weights.layers[number]
        convolution = layers.Conv2D(layer_weights.kernel.shape[-1], 3, padding="same")
        activation = convolution(activation)
        convolution.set_weights([layer_weights.kernel, layer_weights.bias])
        if statistics is None:
            activation = _by_own_statistics(activation, layer_weights)
        else:
            normalisation = layers.BatchNormalization(epsilon=BN_EPSILON)
            activation = normalisation(activation)
            normalisation.set_weights(
                [layer_weights.gamma, layer_weights.beta, statistics.mean[number], statistics.variance[number]]
            )
        activation = layers.MaxPooling2D(POOLS[number])(layers.ELU()(activation))
        means.append(layers.GlobalAveragePooling2D()(activation))
    return means


def _by_own_statistics(activation: Any, layer_weights: Layer) -> Any:
    # Keras leaves the training mode of a normalisation, which the published network ran in, when it predicts.
    operations = tensorflow().keras.ops
    mean, variance = operations.moments(activation, axes=[1, 2], keepdims=True)
    scale = operations.rsqrt(variance + BN_EPSILON) * layer_weights.gamma
    return (activation - mean) * scale + layer_weights.beta
