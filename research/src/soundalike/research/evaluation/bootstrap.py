"""What chance may have done to a number: a bootstrap that draws whole albums, the same ones for every system.

Tracks of an album succeed and fail together, so drawing single tracks would promise too narrow an interval.
Source: C. Field, A. Welsh: Bootstrapping clustered data, JRSS B 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.research.evaluation.errors import TooLittleData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.research.evaluation.summaries import Summary

RESAMPLES: Final = 10_000
_CHUNK_VALUES: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """A number, what it is in every resample (float64 [r]), and of which tracks it speaks (bool [n])."""

    value: float
    values: NDArray[np.float64]
    defined: NDArray[np.bool_]

    def estimate(self) -> Estimate:
        """Return the number with its percentile interval."""
        return _estimate(self.value, self.values)

    def minus(self, other: Resampled) -> Estimate:
        """Return the paired difference to `other`; raises `ValueError` where that speaks of other tracks."""
        if not np.array_equal(self.defined, other.defined) or self.values.shape != other.values.shape:
            raise ValueError("only numbers about the same tracks and resamples can be compared in pairs")
        return _estimate(self.value - other.value, self.values - other.values)


def resample(
    values: NDArray[np.floating],
    albums: NDArray[np.integer],
    summary: Summary,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Resampled:
    """Summarise `values` [n] (NaN: this track was not defined) and do so again for `resamples` draws of `albums` [n].

    Only albums that have a value are drawn. Two calls with the same NaN, albums and seed see the same draws.
    Raises `TooLittleData` where fewer than two albums have a value.
    """
    values = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(values)
    names, cluster = np.unique(albums[defined], return_inverse=True)
    if len(names) < 2:
        raise TooLittleData("an interval over albums needs values from at least two of them")
    known = values[defined]
    value = summary(known, cluster, np.ones((1, len(names))))[0]
    draws = _draws(len(names), resamples, seed)
    rows = max(1, _CHUNK_VALUES // len(known))
    parts = [
        summary(known, cluster, draws[start : start + rows].astype(np.float64)) for start in range(0, resamples, rows)
    ]
    return Resampled(float(value), np.concatenate(parts), defined)


@lru_cache(maxsize=4)
def _draws(clusters: int, resamples: int, seed: int) -> NDArray[np.uint16]:
    """Return how often each resample drew each cluster, uint16 [resamples, clusters]."""
    random = np.random.default_rng(seed)
    weights = np.empty((resamples, clusters), dtype=np.uint16)
    for row in weights:
        row[:] = np.bincount(random.integers(clusters, size=clusters), minlength=clusters)
    weights.flags.writeable = False
    return weights


def _estimate(value: float, values: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(values, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
