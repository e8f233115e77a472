"""The teacher MSD_musicnn: its forward pass in PyTorch, its variables from the PyPI wheel `musicnn`.

Source: J. Pons, X. Serra: musicnn, pre-trained convolutional neural networks for music audio tagging, ISMIR 2019
late-breaking (ISC licence). The wheel's own programs need a TensorFlow that no current Python has.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch.nn import functional

from soundalike.research.training.errors import TeacherUnavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

RATE: Final = 16_000
N_FFT: Final = 512
HOP: Final = 256
MEL_BANDS: Final = 96
PATCH: Final = 187
"""Frames of one patch: 2.992 s."""

POOLED: Final = 753
TAGS: Final = 50
_EPSILON: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TeacherFeatures:
    """The teacher's output for n patches: time means of all its features float32 [n, 753], tag logits [n, 50]."""

    mean_pool: NDArray[np.float32]
    tags: NDArray[np.float32]


def find_checkpoint() -> Path:
    """Return the checkpoint prefix inside the installed wheel; raises `TeacherUnavailable`."""
    spec = find_spec("musicnn")
    if spec is None or not spec.submodule_search_locations:
        raise TeacherUnavailable("the teacher is missing: pip install --no-deps musicnn==0.1.0")
    return Path(spec.submodule_search_locations[0]) / "MSD_musicnn"


def read_variables(checkpoint: Path) -> dict[str, NDArray[np.float32]]:
    """Read the model's variables out of the folder of a TensorFlow checkpoint; raises `TeacherUnavailable`."""
    from soundalike.extractor.tensorflow_backend import tensorflow

    tf = tensorflow()
    try:
        # The files of this checkpoint are called `.index` and `.data`, so its prefix is the folder and a slash.
        reader = tf.compat.v1.train.NewCheckpointReader(f"{checkpoint}/")
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise TeacherUnavailable(f"{checkpoint} holds no TensorFlow checkpoint: {error}") from error
    names = [name for name in reader.get_variable_to_shape_map() if "Adam" not in name and "_power" not in name]
    return {name: np.asarray(reader.get_tensor(name), dtype=np.float32) for name in names}


class Musicnn:
    """The network in evaluation mode: convolution, ReLU, normalisation, in this order throughout."""

    def __init__(self, variables: dict[str, NDArray[np.float32]]) -> None:
        self._variables = variables

    def __call__(self, patches: NDArray[np.float32]) -> TeacherFeatures:
        """Return the features of float32 [n, 187, 96] (see `log_mel`)."""
        with torch.inference_mode():
            return self._forward(patches)

    def _forward(self, patches: NDArray[np.float32]) -> TeacherFeatures:
        normalised = self._normalise(torch.from_numpy(patches)[:, None], 0)
        ahead = functional.pad(normalised, (0, 0, 3, 3))
        front = [self._block(ahead, 0), self._block(ahead, 1)]
        for number in (2, 3, 4):
            length = self._variables[_name("conv2d", number) + "/kernel"].shape[0]
            front.append(self._block(functional.pad(normalised, (0, 0, (length - 1) // 2, length // 2)), number))
        features = [torch.cat(front, dim=1)]
        features.append(self._dense(features[0], 5))
        features.append(self._dense(features[1], 6) + features[1])
        features.append(self._dense(features[2], 7) + features[2])
        everything = torch.cat(features, dim=1)
        mean_pool, max_pool = everything.mean(dim=2), everything.amax(dim=2)
        hidden = self._normalise(torch.stack([max_pool, mean_pool], dim=2).flatten(1), 9)
        hidden = self._normalise(functional.relu(self._linear(hidden, 0)), 10)
        return TeacherFeatures(mean_pool.numpy(), self._linear(hidden, 1).numpy())

    def _block(self, padded: Tensor, number: int) -> Tensor:
        """Convolve [n, 1, frames, bands] and keep the strongest band of each channel: [n, channels, frames]."""
        kernel = self._tensor(_name("conv2d", number) + "/kernel").permute(3, 2, 0, 1).contiguous()
        convolved = functional.conv2d(padded, kernel, self._tensor(_name("conv2d", number) + "/bias"))
        # Normalisation rises or falls with its input, so it can follow the choice of the strongest band.
        scale, _ = self._affine(number + 1)
        strongest = torch.where(scale[:, None] >= 0, convolved.amax(dim=3), convolved.amin(dim=3))
        return self._normalise(functional.relu(strongest), number + 1)

    def _dense(self, sequence: Tensor, number: int) -> Tensor:
        kernel = self._tensor(_name("conv2d", number) + "/kernel")[:, :, 0].permute(2, 1, 0).contiguous()
        convolved = functional.conv1d(sequence, kernel, self._tensor(_name("conv2d", number) + "/bias"), padding=3)
        return self._normalise(functional.relu(convolved), number + 1)

    def _linear(self, values: Tensor, number: int) -> Tensor:
        name = _name("dense", number)
        return values @ self._tensor(name + "/kernel") + self._tensor(name + "/bias")

    def _normalise(self, values: Tensor, number: int) -> Tensor:
        scale, shift = self._affine(number)
        shape = [1, -1] + [1] * (values.ndim - 2)
        return values * scale.reshape(shape) + shift.reshape(shape)

    def _affine(self, number: int) -> tuple[Tensor, Tensor]:
        name = _name("batch_normalization", number)
        scale = self._tensor(name + "/gamma") / torch.sqrt(self._tensor(name + "/moving_variance") + _EPSILON)
        return scale, self._tensor(name + "/beta") - self._tensor(name + "/moving_mean") * scale

    def _tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self._variables[name])


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log10(1 + 10000 S) float32 [frames, 96] of float32 [n] at 16 kHz: centred frames, bands to 8 kHz."""
    power = (
        torch.stft(
            torch.from_numpy(samples),
            N_FFT,
            HOP,
            window=torch.hann_window(N_FFT, periodic=True),
            center=True,
            pad_mode="constant",
            return_complex=True,
        ).abs()
        ** 2
    )
    return np.asarray(torch.log10(1.0 + 10_000.0 * (_bank() @ power)).T.numpy(), dtype=np.float32)


def _bank() -> Tensor:
    from librosa.filters import mel

    bank: Any = mel(sr=RATE, n_fft=N_FFT, n_mels=MEL_BANDS)
    return torch.from_numpy(np.asarray(bank, dtype=np.float32))


def _name(kind: str, number: int) -> str:
    return kind if number == 0 else f"{kind}_{number}"
