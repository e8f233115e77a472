"""Crops of the training tracks, and the output of the first, frozen blocks of the network for them."""

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

    from soundalike.research.training.spectra import CorpusSpectra
    from soundalike.research.training.student import Student

FROZEN: Final = 2
"""Blocks that no recipe trains: they take most of the time and detect edges, not music."""

_PATCH_FRAMES: Final = musicnn.PATCH * 12_000 / musicnn.RATE
"""Frames of the network in one patch of the teacher: both hop 256 samples, at 12 and at 16 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """For n tracks and k crops of each, the output of the frozen blocks, and the teacher's features of the plain crop.

    `early` float32 [n, k, 32 a block] are the means of the frozen blocks, `values` float16 [n, k, 32, bands, frames]
    the input of the first trained block; `teacher` float32 [n, k, 753].
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


def crop_starts(frames: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return where `count` crops of a track start: spread evenly, each moved randomly inside its share."""
    slack = max(0, frames - FRAMES)
    return np.asarray((np.arange(count) + random.random(count)) / count * slack, dtype=np.int64)


def teacher_mean(patches: NDArray[np.floating], start: int) -> NDArray[np.float32]:
    """Return the mean of the teacher's features over the patches whose middle is in the crop, float32 [features]."""
    middles = (np.arange(len(patches)) + 0.5) * _PATCH_FRAMES
    inside = (middles >= start) & (middles < start + FRAMES)
    selected = patches[inside] if inside.any() else patches
    return np.asarray(selected.mean(axis=0, dtype=np.float32))


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
    corpus: CorpusSpectra,
    student: Student,
    *,
    plain: int,
    augmented: int,
    seed: int,
    strength: Augmentation = MILD,
    log: Callable[[str], None] = print,
) -> Crops:
    """Cut `plain` unchanged and `augmented` augmented crops of every track and run the frozen blocks over them."""
    random = np.random.default_rng(seed)
    n, k = len(corpus), plain + augmented
    early, values = np.empty((n, k, 64), np.float32), np.empty((n, k, 32, 16, 85), np.float16)
    teacher = np.empty((n, k, musicnn.POOLED), np.float32)
    for track in range(n):
        levels, patches, column = corpus.levels_of(track), corpus.teacher_of(track), 0
        for kind, count in ((UNCHANGED, plain), (strength, augmented)):
            for start in crop_starts(levels.shape[1], count, random):
                early[track, column], values[track, column] = early_blocks(
                    student, crop(levels, int(start), kind, random)
                )
                teacher[track, column] = teacher_mean(patches, int(start))
                column += 1
        if (track + 1) % 50 == 0:
            log(f"crops of {track + 1} of {n} tracks")
    return Crops(early, values, teacher)


def evaluation_clips(corpus: CorpusSpectra, student: Student) -> Crops:
    """Return the clip by which each track is evaluated, as its only crop."""
    outputs = [early_blocks(student, clip) for clip in corpus.clip]
    teacher = np.stack([corpus.teacher_of(track).mean(axis=0, dtype=np.float32) for track in range(len(corpus))])
    early, values = np.stack([means for means, _ in outputs]), np.stack([output for _, output in outputs])
    return Crops(early[:, np.newaxis], values[:, np.newaxis], teacher[:, np.newaxis])
