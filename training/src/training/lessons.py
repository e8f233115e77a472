"""All that a student can learn from: crops of tracks, and hybrids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from extractor.architecture import DIMENSIONS
from training.crops import FROZEN

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from training.crops import Crops
    from training.hybrids import Hybrids
    from training.student import Student

_GROUP = 64


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """n tracks with k crops each and the clip that each is judged by, and m hybrids.

    `choi` float32 [n, k, 160], `choi_clips` [n, 160] and `choi_hybrids` [m, 160] are the vectors before any training.
    """

    crops: Crops
    clips: Crops
    hybrids: Hybrids
    albums: NDArray[np.str_]
    choi: NDArray[np.float32]
    choi_clips: NDArray[np.float32]
    choi_hybrids: NDArray[np.float32]

    @classmethod
    def of(cls, crops: Crops, clips: Crops, hybrids: Hybrids, albums: NDArray[np.str_], choi: Student) -> Lessons:
        """Let the untrained student hear everything once."""
        return cls(
            crops=crops,
            clips=clips,
            hybrids=hybrids,
            albums=albums,
            choi=hear_crops(choi, crops, np.arange(len(crops.early))),
            choi_clips=hear_crops(choi, clips, np.arange(len(clips.early)))[:, 0],
            choi_hybrids=_hear(choi, hybrids.early, hybrids.values),
        )


def hear_crops(student: Student, crops: Crops, tracks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the vectors float32 [tracks, k, 160] of all crops of `tracks`."""
    count = crops.early.shape[1]
    heard = [_hear(student, crops.early[track], crops.values[track]) for track in tracks]
    return np.concatenate(heard).reshape(len(tracks), count, DIMENSIONS)


def vectors(student: Student, early: NDArray[np.float32], values: NDArray[np.float16]) -> Any:
    """Return the tensor [n, 160] of what the trained blocks make of n crops, ready to be learnt from."""
    device = student.shifts[0].device
    given = torch.from_numpy(values).to(device).float()
    return student.from_block(FROZEN, given, [torch.from_numpy(early).to(device)])


def _hear(student: Student, early: NDArray[np.float32], values: NDArray[np.float16]) -> NDArray[np.float32]:
    heard: list[Tensor] = []
    with torch.inference_mode():
        for start in range(0, len(early), _GROUP):
            group = slice(start, start + _GROUP)
            heard.append(vectors(student, early[group], values[group]).cpu())
    return np.asarray(torch.cat(heard).numpy(), dtype=np.float32)
