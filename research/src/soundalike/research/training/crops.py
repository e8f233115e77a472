"""Crops of the studied stretches, and what the first, frozen blocks of the network make of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from soundalike.extractor.architecture import FRAMES
from soundalike.research.training import musicnn
from soundalike.research.training.augmentation import MILD, UNCHANGED, Augmentation, crop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.research.training.spectra import Studied
    from soundalike.research.training.student import Student

FROZEN: Final = 2
"""Blocks that every recipe leaves as they are: they cost most of the time and hear edges, not music."""

_PATCH_FRAMES: Final = musicnn.PATCH * 12_000 / musicnn.RATE
"""Frames of the network in one patch of the teacher: both hop 256 samples, at 12 and at 16 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """For n tracks and k crops of each, what the frozen blocks make of it, and the teacher's opinion of it unchanged.

    `early` float32 [n, k, 32 a block] are the means of the frozen blocks, `values` float16 [n, k, 32, bands, frames]
    what the first trained block is given; `teacher` float32 [n, k, 753].
    """

    early: NDArray[np.float32]
    values: NDArray[np.float16]
    teacher: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write plain arrays into an .npz file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Crops:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls)})


def starts(frames: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return where `count` crops of a stretch begin: spread evenly, each moved by chance inside its share."""
    room = max(0, frames - FRAMES)
    return np.asarray((np.arange(count) + random.random(count)) / count * room, dtype=np.int64)


def opinion(patches: NDArray[np.floating], start: int) -> NDArray[np.float32]:
    """Average what the teacher said of the patches whose middle lies in the crop, float32 [features]."""
    middles = (np.arange(len(patches)) + 0.5) * _PATCH_FRAMES
    inside = (middles >= start) & (middles < start + FRAMES)
    chosen = patches[inside] if inside.any() else patches
    return np.asarray(chosen.mean(axis=0, dtype=np.float32))


def early_blocks(
    student: Student, spectrogram: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Return the frozen blocks' means float32 [64] and output float16 [32, 16, 85] for one [96, 1360]."""
    means = []
    with torch.inference_mode():
        values = torch.from_numpy(np.asarray(spectrogram, dtype=np.float32))[None, None]
        for number in range(FROZEN):
            values = student.block(number, values)
            means.append(values.mean(dim=(2, 3))[0])
        return torch.cat(means).numpy(), values[0].half().contiguous().numpy()


def prepare_crops(
    studied: Studied,
    student: Student,
    *,
    plain: int,
    changed: int,
    seed: int,
    strength: Augmentation = MILD,
    tell: Callable[[str], None] = print,
) -> Crops:
    """Cut `plain` unchanged and `changed` augmented crops of every track and run the frozen blocks over them."""
    random = np.random.default_rng(seed)
    n, k = len(studied), plain + changed
    early, values = np.empty((n, k, 64), np.float32), np.empty((n, k, 32, 16, 85), np.float16)
    teacher = np.empty((n, k, musicnn.POOLED), np.float32)
    for track in range(n):
        levels, patches, place = studied.levels_of(track), studied.teacher_of(track), 0
        for kind, count in ((UNCHANGED, plain), (strength, changed)):
            for start in starts(levels.shape[1], count, random):
                early[track, place], values[track, place] = early_blocks(
                    student, crop(levels, int(start), kind, random)
                )
                teacher[track, place] = opinion(patches, int(start))
                place += 1
        if (track + 1) % 50 == 0:
            tell(f"crops of {track + 1} of {n} tracks")
    return Crops(early, values, teacher)


def judged_clips(studied: Studied, student: Student) -> Crops:
    """Return the clip that each track is judged by, as the only crop of it."""
    heard = [early_blocks(student, clip) for clip in studied.clip]
    teacher = np.stack([studied.teacher_of(track).mean(axis=0, dtype=np.float32) for track in range(len(studied))])
    early, values = np.stack([means for means, _ in heard]), np.stack([output for _, output in heard])
    return Crops(early[:, np.newaxis], values[:, np.newaxis], teacher[:, np.newaxis])
