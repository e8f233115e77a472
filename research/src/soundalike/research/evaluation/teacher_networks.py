"""The forward passes of open networks that baselines are made of: FCN and musicnn by TensorFlow, YAMNet by LiteRT.

Sources: K. Choi, G. Fazekas, M. Sandler: Automatic tagging using deep convolutional neural networks, ISMIR 2016;
J. Pons et al.: End-to-end learning for music audio tagging at scale, ISMIR 2018; both as M. Won et al. trained them
(Evaluation of CNN-based automatic music tagging models, SMC 2020). YAMNet: M. Plakal, D. Ellis, 2020.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.extractor.tensorflow_backend import tensorflow
from soundalike.research.evaluation.state_dict import read_state_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    Vector = NDArray[np.float32]

RATE: Final = 16_000
_FFT: Final = 512
_HOP: Final = 256
_EPSILON: Final = 1e-5
_POOLS: Final = ((2, 4), (2, 4), (2, 4), (3, 5))
_PATCH: Final = 188
_WINDOW: Final = 15_600
_WINDOW_HOP: Final = 7_680
_EMBEDDING: Final = 121


class _TorchNetwork:
    """What the networks of one family share: their numbers, the spectrogram, and their layers."""

    def __init__(self, content: bytes) -> None:
        self._numbers = read_state_dict(content)
        self._tf = tensorflow()
        self._bank = self._numbers["spec.mel_scale.fb"]

    def _levels(self, samples: Samples) -> NDArray[np.float32]:
        """Return the normalised mel spectrogram, float32 [bands, frames]."""
        from librosa import stft

        spectrum: Any = stft(samples, n_fft=_FFT, hop_length=_HOP, pad_mode="reflect")
        levels = 10 * np.log10(np.maximum(self._bank.T @ np.abs(spectrum) ** 2, 1e-10))
        scale, shift = self._affine("spec_bn")
        return np.asarray(levels * scale + shift, dtype=np.float32)

    def _affine(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        weight, bias, mean, variance = (
            self._numbers[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + _EPSILON)
        return scale, bias - mean * scale

    def _layer(self, values: Any, name: str, padding: Any) -> Any:
        """Convolve [n, height, width, channels], normalise and rectify; a kernel without height has the height 1."""
        kernel, (scale, shift) = self._numbers[f"{name}.conv.weight"], self._affine(f"{name}.bn")
        if kernel.ndim == 3:
            kernel = kernel[:, :, np.newaxis]
        folded = (kernel * scale[:, np.newaxis, np.newaxis, np.newaxis]).transpose(2, 3, 1, 0)
        bias = self._numbers[f"{name}.conv.bias"] * scale + shift
        return self._tf.nn.relu(self._tf.nn.conv2d(values, folded, strides=1, padding=padding) + bias)


class FullyConvolutional(_TorchNetwork):
    """Means and deviations of five blocks, float32 [1024] where they have 64, 128, 128, 128 and 64 channels.

    Of the first four after pooling; the last is taken before it, which would leave a single value.
    """

    def __call__(self, samples: Samples) -> Vector:
        """Return the vector of float32 [n] at 16 kHz."""
        values = self._levels(samples)[np.newaxis, :, :, np.newaxis]
        moments = []
        for number in range(1, 6):
            values = self._layer(values, f"layer{number}", "SAME")
            if number <= len(_POOLS):
                values = self._tf.nn.max_pool2d(values, _POOLS[number - 1], _POOLS[number - 1], "VALID")
            block = values.numpy().reshape(-1, values.shape[-1])
            moments += [block.mean(axis=0), block.std(axis=0)]
        return np.concatenate(moments)


class Musicnn(_TorchNetwork):
    """Maxima over time of all features of patches of 3 s, their mean over the patches, float32 [753]."""

    def __call__(self, samples: Samples) -> Vector:
        """Return the vector of float32 [n] at 16 kHz."""
        tf, levels = self._tf, self._levels(samples)
        count = levels.shape[1] // _PATCH
        patches = levels[:, : count * _PATCH].reshape(len(levels), count, _PATCH).swapaxes(0, 1)[..., np.newaxis]
        side = [[0, 0], [0, 0], [3, 3], [0, 0]]
        vertical = [tf.reduce_max(self._layer(patches, f"layers.{n}", side), axis=1) for n in (0, 1)]
        energy = patches.mean(axis=1)[:, np.newaxis]
        horizontal = [self._layer(energy, f"layers.{n}", "SAME")[:, 0] for n in (2, 3, 4)]
        front = tf.concat([*vertical, *horizontal], axis=-1)
        first = self._layer(front[:, np.newaxis], "layer1", "SAME")
        second = self._layer(first, "layer2", "SAME") + first
        third = self._layer(second, "layer3", "SAME") + second
        features = tf.concat([front, first[:, 0], second[:, 0], third[:, 0]], axis=-1)
        return np.asarray(tf.reduce_max(features, axis=1).numpy().mean(axis=0), dtype=np.float32)


class Yamnet:
    """The mean over windows of .975 s, every .48 s, of what stands before the classifier, float32 [1024]."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._network = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            # Delegates keep what lies between input and output to themselves.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._network.allocate_tensors()
        entry = self._network.get_input_details()[0]
        self._input, self._shape = entry["index"], entry["shape"]
        self._lock = threading.Lock()

    def __call__(self, samples: Samples) -> Vector:
        """Return the vector of float32 [n] at 16 kHz."""
        windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_WINDOW_HOP]
        total = np.zeros(1024)
        with self._lock:
            for window in windows:
                self._network.set_tensor(self._input, window.reshape(self._shape))
                self._network.invoke()
                total += self._network.get_tensor(_EMBEDDING).reshape(-1)
        return np.asarray(total / len(windows), dtype=np.float32)
