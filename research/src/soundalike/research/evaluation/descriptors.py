"""Classic descriptors by librosa: how sound is spread over the spectrum, and how it moves.

Sources: MFCC, B. Logan 2000; spectral contrast, D.-N. Jiang et al. 2002; chroma, D. Ellis 2007; tempogram, P. Grosche,
M. Müller, F. Kurth 2010; all as in librosa (B. McFee et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.extractor.model import PREPROCESSING
from soundalike.research.evaluation.extractors import id_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_COEFFICIENTS: Final = 20
_MEL_BANDS: Final = 40
_LAG_STEP: Final = 8

BLOCKS: Final = {
    "timbre": (60, 0.5),
    "contrast": (14, 0.5),
    "chroma": (24, 0.5),
    "shape": (6, 0.3),
    "rhythm": (49, 0.5),
}
"""The width and the weight of each block; the weights were guessed, not fitted."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A sampling rate with its frames: window and hop in samples, and the first edge of spectral contrast in Hz."""

    name: str
    rate: int
    window: int
    hop: int
    first_edge: float


PLATFORM: Final = Scale("descriptors", RATE, 512, 256, 100.0)
"""From the samples that the platform's networks get."""

WIDE: Final = Scale("descriptors-wide", 22_050, 1024, 512, 200.0)
"""With the octave above."""


class Descriptors:
    """The means of the excerpts' descriptors: five blocks, 153 numbers.

    20 MFCC of 40 mel bands: means, deviations, deviations of their differences; contrast of seven bands, chroma sorted
    by strength in every frame, flatness, centroid and roll-off: means and deviations; every eighth lag of the tempogram
    averaged over time, mean and deviation of the onset strength.
    """

    def __init__(self, scale: Scale = PLATFORM, rule: ExcerptRule = DEFAULT_RULE) -> None:
        self.scale, self.rule, self.rate = scale, rule, scale.rate
        self.id = id_by(rule, f"{scale.name}-1-{PREPROCESSING}")

    def by(self, rule: ExcerptRule) -> Descriptors:
        """Return the same for other excerpts."""
        return Descriptors(self.scale, rule)

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [153]."""
        return np.asarray(np.mean([self._describe(samples) for samples in excerpts], axis=0), dtype=np.float32)

    def _describe(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        import librosa
        from librosa import feature
        from librosa.onset import onset_strength

        rate, scale = self.rate, self.scale
        magnitude: Any = np.abs(librosa.stft(samples, n_fft=scale.window, hop_length=scale.hop))
        power = magnitude**2
        levels: Any = librosa.power_to_db(feature.melspectrogram(S=power, sr=rate, n_mels=_MEL_BANDS))
        timbre = feature.mfcc(S=levels, n_mfcc=_COEFFICIENTS)
        contrast = feature.spectral_contrast(S=magnitude, sr=rate, n_fft=scale.window, fmin=scale.first_edge)
        # The strongest first, so that the key does not count; estimating the tuning would take longer than all else.
        chroma = -np.sort(-feature.chroma_stft(S=power, sr=rate, n_fft=scale.window, tuning=0.0), axis=0)
        shape = np.vstack(
            [
                feature.spectral_flatness(S=magnitude),
                feature.spectral_centroid(S=magnitude, sr=rate, n_fft=scale.window),
                feature.spectral_rolloff(S=magnitude, sr=rate, n_fft=scale.window),
            ]
        )
        onsets = onset_strength(S=levels, sr=rate, hop_length=scale.hop)
        tempogram = feature.tempogram(onset_envelope=onsets, sr=rate, hop_length=scale.hop)
        rhythm = tempogram.mean(axis=1)[_LAG_STEP::_LAG_STEP]
        parts = [_moments(timbre), np.diff(timbre, axis=1).std(axis=1), *map(_moments, (contrast, chroma, shape))]
        return np.nan_to_num(np.concatenate([*parts, rhythm, [onsets.mean(), onsets.std()]]).astype(np.float64))


def _moments(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)])
