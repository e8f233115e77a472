"""Augmentations that leave a recording the same piece of music, applied to its mel levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.excerpt import RATE
from soundalike.extractor.architecture import FRAMES, MEL_BANDS
from soundalike.extractor.spectrogram import FLOOR_DB

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly crops are changed; all zeros change nothing.

    `equaliser_db` is the amplitude of a smooth curve over the bands, `semitones` the largest shift of pitch,
    `time_stretch` and `compression` the largest relative change of speed and of dynamic range, `low_pass` and `noise`
    the shares of crops that lose their treble and whose quiet parts drown in noise, as low bit rates and old equipment
    have it. Gain does not matter: every clip's maximum is 0 dB.
    """

    equaliser_db: float = 0.0
    semitones: float = 0.0
    time_stretch: float = 0.0
    compression: float = 0.0
    low_pass: float = 0.0
    noise: float = 0.0


UNCHANGED: Final = Augmentation()
MILD: Final = Augmentation(equaliser_db=3.0, semitones=0.5, time_stretch=0.04, compression=0.1, low_pass=0.1, noise=0.2)


def crop(
    levels: NDArray[np.floating], start: int, strength: Augmentation, random: np.random.Generator
) -> NDArray[np.float32]:
    """Return the network's input float32 [96, 1360] out of levels [96, frames] in dB from about `start` on."""
    speed = 1.0 + strength.time_stretch * random.uniform(-1.0, 1.0)
    places = np.rint(start + np.arange(FRAMES) * speed).astype(np.int64)
    # A stretched crop that would end behind the music begins earlier instead.
    places -= max(0, int(places[-1]) - levels.shape[1] + 1)
    changed = np.asarray(levels[:, np.maximum(places, 0)], dtype=np.float32)
    if strength.semitones:
        changed = _at_pitch(changed, strength.semitones * random.uniform(-1.0, 1.0))
    changed = changed + (strength.equaliser_db * _curve(random))[:, np.newaxis]
    if random.random() < strength.low_pass:
        cut_off = int(random.integers(MEL_BANDS // 2, MEL_BANDS))
        changed[cut_off:] -= np.minimum(60.0, 6.0 * np.arange(MEL_BANDS - cut_off))[:, np.newaxis]
    changed = changed - changed.max()
    if random.random() < strength.noise:
        power = 10.0 ** (changed / 10.0) + 10.0 ** (random.uniform(-80.0, -45.0) / 10.0)
        changed = 10.0 * np.log10(power)
    changed = (changed - changed.max()) * (1.0 + strength.compression * random.uniform(-1.0, 1.0))
    return np.asarray(np.maximum(changed, FLOOR_DB), dtype=np.float32)


def _curve(random: np.random.Generator) -> NDArray[np.float32]:
    """Return a smooth curve over the bands, between -1 and 1: three slow cosines."""
    bands = np.linspace(0.0, np.pi, MEL_BANDS)
    weights = random.uniform(-1.0, 1.0, size=3) / 3.0
    phases = random.uniform(0.0, 2.0 * np.pi, size=3)
    waves = weights[:, np.newaxis] * np.cos(np.outer(np.arange(1, 4), bands) + phases[:, np.newaxis])
    return np.asarray(waves.sum(axis=0), dtype=np.float32)


def _at_pitch(levels: NDArray[np.float32], semitones: float) -> NDArray[np.float32]:
    """Move all bands up by `semitones`: each takes what the band a factor below it had."""
    from librosa import mel_frequencies

    centres = np.asarray(mel_frequencies(n_mels=MEL_BANDS + 2, fmin=0.0, fmax=RATE / 2, htk=False))[1:-1]
    sources = np.interp(centres / 2.0 ** (semitones / 12.0), centres, np.arange(MEL_BANDS))
    below = np.minimum(sources.astype(np.int64), MEL_BANDS - 2)
    share = (sources - below)[:, np.newaxis].astype(np.float32)
    return np.asarray((1.0 - share) * levels[below] + share * levels[below + 1], dtype=np.float32)
