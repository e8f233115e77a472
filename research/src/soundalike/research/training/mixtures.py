"""Music that nobody recorded: tracks at another speed and tracks over one another, with the teacher's opinion of it.

A few hundred tracks are too few to copy a teacher from: the student learns them by heart. What the teacher says of
hybrids is as good a lesson, and there is no end of them (Beyer et al. 2022: a good teacher is patient and consistent).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr

from soundalike.audio.excerpt import RATE
from soundalike.research.training import musicnn
from soundalike.research.training.crops import early_blocks
from soundalike.research.training.spectra import Front

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.research.training.spectra import Studied
    from soundalike.research.training.student import Student

SECONDS: Final = 30
TOGETHER: Final = 0.6
"""The share of hybrids that are two tracks at once; the others are one at another speed."""

LARGEST_SPEED: Final = 1.25
_PATCHES: Final = 5
_LOUDNESS: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Hybrids:
    """For n hybrids what `research.training.crops.Crops` has for crops, and where their music is from.

    `early` float32 [n, 32 a block], `values` float16 [n, 32, bands, frames], `teacher` float32 [n, 753], and `part`
    int64 [n], the one part of the corpus that all of a hybrid's music is from.
    """

    early: NDArray[np.float32]
    values: NDArray[np.float16]
    teacher: NDArray[np.float32]
    part: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Write plain arrays into an .npz file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Hybrids:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as archive:
            return cls(**{field.name: archive[field.name] for field in fields(cls)})


def breed(
    studied: Studied,
    part: NDArray[np.int64],
    student: Student,
    teacher: musicnn.Musicnn,
    numbers: range,
    *,
    seed: int,
    tell: Callable[[str], None] = print,
) -> Hybrids:
    """Make the hybrids with these numbers, each from its own seed, and have them heard; parts take turns."""
    front = Front()
    parts = int(part.max()) + 1
    early = np.empty((len(numbers), 64), np.float32)
    values = np.empty((len(numbers), 32, 16, 85), np.float16)
    opinions = np.empty((len(numbers), musicnn.POOLED), np.float32)
    for row, number in enumerate(numbers):
        random = np.random.default_rng([seed, number])
        sound = _hybrid(studied, np.flatnonzero(part == number % parts), random)
        mel = musicnn.log_mel(sound)
        first = ((np.arange(_PATCHES) + random.random()) / _PATCHES * (len(mel) - musicnn.PATCH)).astype(np.int64)
        opinions[row] = teacher(np.stack([mel[start : start + musicnn.PATCH] for start in first])).mean_pool.mean(
            axis=0
        )
        early[row], values[row] = early_blocks(student, front.clip(soxr.resample(sound, musicnn.RATE, RATE)))
        if (row + 1) % 200 == 0:
            tell(f"{row + 1} of {len(numbers)} hybrids")
    return Hybrids(early, values, opinions, np.asarray(numbers, dtype=np.int64) % parts)


def _hybrid(studied: Studied, tracks: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
    """Return float32 [n] at 16 kHz, about 30 s."""
    one, other = (int(track) for track in random.choice(tracks, 2, replace=False))
    sound = _piece(studied.sound_of(one), random)
    if random.random() < TOGETHER:
        second = _piece(studied.sound_of(other), random)
        length = min(len(sound), len(second))
        sound = sound[:length] + 10 ** (random.uniform(-12.0, 0.0) / 20.0) * second[:length]
    return np.asarray(_LOUDNESS * sound, dtype=np.float32)


def _piece(sound: NDArray[np.int16], random: np.random.Generator) -> NDArray[np.float32]:
    """Return about 30 s from anywhere in a track, played faster or slower, at an effective level of 1."""
    limit = np.log(LARGEST_SPEED)
    speed = float(np.exp(random.uniform(-limit, limit)))
    needed = int(SECONDS * musicnn.RATE * speed)
    whole = sound if len(sound) >= needed else np.resize(sound, needed)
    start = int(random.integers(0, len(whole) - needed + 1))
    piece = whole[start : start + needed].astype(np.float32) / 32768.0
    played = soxr.resample(piece, musicnn.RATE * speed, musicnn.RATE)
    return np.asarray(played / (np.sqrt(np.mean(played**2)) + 1e-6), dtype=np.float32)
