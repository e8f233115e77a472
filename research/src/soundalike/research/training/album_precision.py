"""How well vectors bring the tracks of an album together: average precision, and what chance may have done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES: Final = 10_000


@dataclass(frozen=True, slots=True)
class PrecisionEstimate:
    """A number and the 95 % interval that a bootstrap over albums gives it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def average_precisions(vectors: NDArray[np.floating], albums: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the average precision of each track's album among all others by cosine, float64 [n] for vectors [n, d].

    Tracks that are alone in their album have nothing to be found and get NaN.
    """
    unit = np.asarray(vectors, dtype=np.float64)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    precisions = np.full(len(unit), np.nan)
    for query, row in enumerate(cosines):
        others = np.delete(np.arange(len(unit)), query)
        relevant = (albums[others] == albums[query])[np.argsort(-row[others], kind="stable")]
        if relevant.any():
            places = np.flatnonzero(relevant) + 1
            precisions[query] = float(np.mean(np.arange(1, len(places) + 1) / places))
    return precisions


def mean_precision(precisions: NDArray[np.float64], albums: NDArray[np.str_], *, seed: int = 0) -> PrecisionEstimate:
    """Average over tracks (NaN left out) with a bootstrap over albums; a difference of two systems goes in likewise."""
    counted = ~np.isnan(precisions)
    groups = np.unique(albums[counted])
    sums = np.array([precisions[counted & (albums == group)].sum() for group in groups])
    counts = np.array([(counted & (albums == group)).sum() for group in groups])
    draws = np.random.default_rng(seed).integers(len(groups), size=(RESAMPLES, len(groups)))
    resampled = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return PrecisionEstimate(float(sums.sum() / counts.sum()), float(low), float(high))


def mean_of_albums(precisions: NDArray[np.float64], albums: NDArray[np.str_], *, seed: int = 0) -> PrecisionEstimate:
    """Average over tracks inside each album, then over albums, so that a large album counts as much as a small one."""
    counted = ~np.isnan(precisions)
    groups = np.unique(albums[counted])
    means = np.array([precisions[counted & (albums == group)].mean() for group in groups])
    draws = np.random.default_rng(seed).integers(len(groups), size=(RESAMPLES, len(groups)))
    low, high = np.quantile(means[draws].mean(axis=1), [0.025, 0.975])
    return PrecisionEstimate(float(means.mean()), float(low), float(high))
