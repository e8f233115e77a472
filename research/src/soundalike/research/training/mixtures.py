"""Hybrids: tracks at another speed and mixtures of two tracks, with the teacher's features of them.

A few hundred tracks are too few to distil a teacher from: the student overfits. The teacher's features of hybrids are
as good training data, and there is no end of them (Beyer et al. 2022: a good teacher is patient and consistent).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import soxr

from soundalike.audio.excerpt import RATE
from soundalike.research.training import musicnn
from soundalike.research.training.crops import early_blocks
from soundalike.research.training.spectra import SpectrogramFrontEnd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.research.training.spectra import CorpusSpectra
    from soundalike.research.training.student import Student

SECONDS: Final = 30
MIXTURE_SHARE: Final = 0.6
"""The share of hybrids that are two tracks at once; the others are one at another speed."""

MAX_SPEED: Final = 1.25
_PATCHES: Final = 5
_LOUDNESS: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Hybrids:
    """For n hybrids the data that `research.training.crops.Crops` has for crops, and the source of their music.

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


def make_hybrids(
    corpus: CorpusSpectra,
    part: NDArray[np.int64],
    student: Student,
    teacher: musicnn.Musicnn,
    numbers: range,
    *,
    seed: int,
    log: Callable[[str], None] = print,
) -> Hybrids:
    """Make the hybrids with these numbers, each from its own seed, and analyse them; parts take turns."""
    front = SpectrogramFrontEnd()
    parts = int(part.max()) + 1
    early = np.empty((len(numbers), 64), np.float32)
    values = np.empty((len(numbers), 32, 16, 85), np.float16)
    features = np.empty((len(numbers), musicnn.POOLED), np.float32)
    for row, number in enumerate(numbers):
        random = np.random.default_rng([seed, number])
        sound = _hybrid(corpus, np.flatnonzero(part == number % parts), random)
        mel = musicnn.log_mel(sound)
        first = ((np.arange(_PATCHES) + random.random()) / _PATCHES * (len(mel) - musicnn.PATCH)).astype(np.int64)
        features[row] = teacher(np.stack([mel[start : start + musicnn.PATCH] for start in first])).mean_pool.mean(
            axis=0
        )
        early[row], values[row] = early_blocks(student, front.clip(soxr.resample(sound, musicnn.RATE, RATE)))
        if (row + 1) % 200 == 0:
            log(f"{row + 1} of {len(numbers)} hybrids")
    return Hybrids(early, values, features, np.asarray(numbers, dtype=np.int64) % parts)


def _hybrid(studied: CorpusSpectra, tracks: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float32]:
    """Return float32 [n] at 16 kHz, about 30 s."""
    one, other = (int(track) for track in random.choice(tracks, 2, replace=False))
    sound = _piece(studied.sound_of(one), random)
    if random.random() < MIXTURE_SHARE:
        second = _piece(studied.sound_of(other), random)
        length = min(len(sound), len(second))
        sound = sound[:length] + 10 ** (random.uniform(-12.0, 0.0) / 20.0) * second[:length]
    return np.asarray(_LOUDNESS * sound, dtype=np.float32)


def _piece(sound: NDArray[np.int16], random: np.random.Generator) -> NDArray[np.float32]:
    """Return about 30 s from anywhere in a track, played faster or slower, at an effective level of 1."""
    limit = np.log(MAX_SPEED)
    speed = float(np.exp(random.uniform(-limit, limit)))
    needed = int(SECONDS * musicnn.RATE * speed)
    whole = sound if len(sound) >= needed else np.resize(sound, needed)
    start = int(random.integers(0, len(whole) - needed + 1))
    piece = whole[start : start + needed].astype(np.float32) / 32768.0
    played = soxr.resample(piece, musicnn.RATE * speed, musicnn.RATE)
    return np.asarray(played / (np.sqrt(np.mean(played**2)) + 1e-6), dtype=np.float32)
