"""From the trained network to the extractor's layers and statistics, and the file that carries them."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from soundalike.extractor.architecture import BN_EPSILON, CHANNELS, LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from soundalike.research.training.student import Student
    from soundalike.research.training.tag_layer import TagLayer


@dataclass(frozen=True, slots=True, eq=False)
class ExportedNetwork:
    """The network as the extractor lays it out.

    For each block `kernels` float32 [3, 3, in, 32] as TensorFlow correlates them, and [5, 32] each: `bias` (zeros),
    `gamma` and `beta`, and the `mean` and `variance` of the convolution's output that they go with.
    """

    kernels: tuple[NDArray[np.float32], ...]
    bias: NDArray[np.float32]
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    clips: int

    def to_bytes(self, tags: TagLayer) -> bytes:
        """Return the .npz file of plain arrays that `extractor.models.soundalike_1.parse` reads."""
        arrays: dict[str, NDArray[Any]] = {f"kernel{number}": kernel for number, kernel in enumerate(self.kernels)}
        arrays |= {name: getattr(self, name) for name in ("bias", "gamma", "beta", "mean", "variance")}
        arrays |= {"tag_kernel": tags.kernel, "tag_bias": tags.bias, "usual_tags": tags.mean_probabilities}
        buffer = BytesIO()
        # Not `np.savez`: it writes the time of day into the file, and the model id is made of the file's checksum.
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in (arrays | {"clips": np.array(self.clips)}).items():
                content = BytesIO()
                np.save(content, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def export(student: Student, spectrograms: Iterable[NDArray[np.floating]]) -> ExportedNetwork:
    """Take the normalisation out of the kernels again, with statistics measured over spectrograms [96, 1360].

    With these statistics the network computes what `student` does; without them (each clip by its own) it is what the
    published way would make of the same weights.
    """
    with torch.inference_mode():
        mean, variance, clips = _moments(student, spectrograms)
    shifts = np.stack([shift.detach().cpu().double().numpy() for shift in student.shifts])
    kernels = [kernel.detach().cpu().numpy() for kernel in student.kernels]
    return ExportedNetwork(
        kernels=tuple(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), dtype=np.float32) for kernel in kernels),
        bias=np.zeros((LAYERS, CHANNELS), np.float32),
        gamma=np.sqrt(variance + BN_EPSILON).astype(np.float32),
        beta=(shifts + mean).astype(np.float32),
        mean=mean.astype(np.float32),
        variance=variance.astype(np.float32),
        clips=clips,
    )


def _moments(
    student: Student, spectrograms: Iterable[NDArray[np.floating]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return mean and variance [5, 32] of every block's convolution over all clips and positions, and the clips."""
    device = student.shifts[0].device
    sums, squares, clips = np.zeros((LAYERS, CHANNELS)), np.zeros((LAYERS, CHANNELS)), 0
    for spectrogram in spectrograms:
        values = torch.from_numpy(np.asarray(spectrogram, dtype=np.float32))[None, None].to(device)
        for number in range(LAYERS):
            convolved = functional.conv2d(values, student.kernels[number], padding=1)[0].double()
            sums[number] += convolved.mean(dim=(1, 2)).cpu().numpy()
            squares[number] += convolved.square().mean(dim=(1, 2)).cpu().numpy()
            values = student.block(number, values)
        clips += 1
    if clips == 0:
        raise ValueError("statistics need at least one spectrogram")
    mean = sums / clips
    return mean, squares / clips - mean**2, clips
