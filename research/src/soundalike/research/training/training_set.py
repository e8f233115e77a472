"""The training data of a student: crops of tracks, and hybrids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from soundalike.extractor.architecture import CHANNELS, DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from soundalike.research.training.crops import Crops
    from soundalike.research.training.mixtures import Hybrids
    from soundalike.research.training.student import Student

_GROUP = 64


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """n tracks with k crops each and the clip by which each is evaluated, and m hybrids.

    `choi` float32 [n, k, 160], `choi_clips` [n, 160] and `choi_hybrids` [m, 160] are the vectors before any training.
    """

    crops: Crops
    clips: Crops
    hybrids: Hybrids
    albums: NDArray[np.str_]
    choi: NDArray[np.float32]
    choi_clips: NDArray[np.float32]
    choi_hybrids: NDArray[np.float32]

    def from_block(self, choi: Student, first: int) -> TrainingSet:
        """Return the same as input of block `first`, by the blocks of `choi` before it."""
        crops, clips, hybrids = self.crops, self.clips, self.hybrids
        early, values = _deepen(choi, hybrids.early, hybrids.values, first)
        return replace(
            self,
            crops=_deepen_crops(choi, crops, first),
            clips=_deepen_crops(choi, clips, first),
            hybrids=replace(hybrids, early=early, values=values),
        )

    @classmethod
    def of(cls, crops: Crops, clips: Crops, hybrids: Hybrids, albums: NDArray[np.str_], choi: Student) -> TrainingSet:
        """Embed everything with the untrained student."""
        return cls(
            crops=crops,
            clips=clips,
            hybrids=hybrids,
            albums=albums,
            choi=embed_crops(choi, crops, np.arange(len(crops.early))),
            choi_clips=embed_crops(choi, clips, np.arange(len(clips.early)))[:, 0],
            choi_hybrids=_embed(choi, hybrids.early, hybrids.values),
        )


def embed_crops(student: Student, crops: Crops, tracks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the vectors float32 [tracks, k, 160] of all crops of `tracks`."""
    count = crops.early.shape[1]
    embedded = [_embed(student, crops.early[track], crops.values[track]) for track in tracks]
    return np.concatenate(embedded).reshape(len(tracks), count, DIMENSIONS)


def vectors(student: Student, early: NDArray[np.float32], values: NDArray[np.float16]) -> Any:
    """Return the vectors of n crops by the remaining blocks, a tensor [n, 160] with gradients."""
    device = student.shifts[0].device
    inputs = torch.from_numpy(values).to(device).float()
    return student.from_block(early.shape[1] // CHANNELS, inputs, [torch.from_numpy(early).to(device)])


def _embed(student: Student, early: NDArray[np.float32], values: NDArray[np.float16]) -> NDArray[np.float32]:
    embedded: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(early), _GROUP):
            group = slice(start, start + _GROUP)
            embedded.append(vectors(student, early[group], values[group]).cpu())
    return np.asarray(torch.cat(embedded).numpy(), dtype=np.float32)


def _deepen_crops(choi: Student, crops: Crops, first: int) -> Crops:
    n, k = crops.early.shape[:2]
    early, values = _deepen(
        choi, crops.early.reshape(n * k, -1), crops.values.reshape(n * k, *crops.values.shape[2:]), first
    )
    return replace(crops, early=early.reshape(n, k, -1), values=values.reshape(n, k, *values.shape[1:]))


def _deepen(
    choi: Student, early: NDArray[np.float32], values: NDArray[np.float16], first: int
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Run n crops [n, …] up to block `first`."""
    means, outputs = [], []
    with torch.inference_mode():
        for start in range(0, len(early), _GROUP):
            output = torch.from_numpy(values[start : start + _GROUP]).float()
            collected = [torch.from_numpy(early[start : start + _GROUP])]
            for number in range(early.shape[1] // CHANNELS, first):
                output = choi.block(number, output)
                collected.append(output.mean(dim=(2, 3)))
            means.append(torch.cat(collected, dim=1))
            outputs.append(output.half().contiguous())
    return torch.cat(means).numpy(), torch.cat(outputs).numpy()
