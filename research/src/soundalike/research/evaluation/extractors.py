"""What turns samples into raw vectors."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.extractor.model import PREPROCESSING, Model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_RANDOM_DIMENSIONS: Final = 32
_COEFFICIENTS: Final = 20


def id_by(rule: ExcerptRule, name: str) -> str:
    """Return the id of an extractor that hears the excerpts of a rule."""
    return name if rule == DEFAULT_RULE else f"{name}-at-{'-'.join(map(str, rule.tenths))}"


class Extractor(Protocol):
    """Computes the vector of one recording; may be used from several threads."""

    @property
    def rule(self) -> ExcerptRule:
        """Which excerpts of a recording it is given."""

    @property
    def rate(self) -> int:
        """At how many samples a second it is given them."""

    def by(self, rule: ExcerptRule) -> Extractor:
        """Return the same extractor for other excerpts."""

    @property
    def id(self) -> str:
        """A name that no extractor with other vectors has; a key of the cache."""

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [d] of excerpts float32 [n], mono at `rate` Hz; raises `audio.errors.AudioError`."""


class RandomVector:
    """Chance: the same samples always get the same random direction, any others get another."""

    rate: Final = RATE

    def __init__(self, rule: ExcerptRule = DEFAULT_RULE) -> None:
        self.rule = rule
        self.id = id_by(rule, f"random-{PREPROCESSING}")

    def by(self, rule: ExcerptRule) -> RandomVector:
        """Return chance for other excerpts."""
        return RandomVector(rule)

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [32]."""
        samples = np.concatenate(excerpts)
        seed = int.from_bytes(hashlib.sha256(samples.astype("<f4").tobytes()).digest()[:8])
        return np.random.default_rng(seed).standard_normal(_RANDOM_DIMENSIONS, dtype=np.float32)


class MfccStatistics:
    """Mean and standard deviation over time of 20 mel-frequency cepstral coefficients.

    The baseline of the field since B. Logan, A. Salomon: A music similarity function based on signal analysis, ICME
    2001; window and bands are those of the network (512 samples, hop 256, 96 bands).
    """

    rate: Final = RATE

    def __init__(self, rule: ExcerptRule = DEFAULT_RULE) -> None:
        self.rule = rule
        self.id = id_by(rule, f"mfcc-{PREPROCESSING}")

    def by(self, rule: ExcerptRule) -> MfccStatistics:
        """Return the same for other excerpts."""
        return MfccStatistics(rule)

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [40]."""
        return np.asarray(np.mean([self._statistics(samples) for samples in excerpts], axis=0), dtype=np.float32)

    def _statistics(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        from librosa.feature import mfcc

        coefficients: Any = mfcc(y=samples, sr=RATE, n_mfcc=_COEFFICIENTS, n_fft=512, hop_length=256, n_mels=96)
        both = np.concatenate([coefficients.mean(axis=1), coefficients.std(axis=1)])
        return np.asarray(both, dtype=np.float32)


class NetworkVector:
    """The vector of a model of the platform, from the platform's excerpts or those of another rule."""

    rate: Final = RATE

    def __init__(self, model: Model, rule: ExcerptRule = DEFAULT_RULE) -> None:
        self._model = model
        self.model_id = model.id
        self.rule = rule
        self.id = id_by(rule, model.id)

    def by(self, rule: ExcerptRule) -> NetworkVector:
        """Return the same model for other excerpts."""
        return NetworkVector(self._model, rule)

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [160]."""
        return self._model.embed_recording(excerpts).vector
