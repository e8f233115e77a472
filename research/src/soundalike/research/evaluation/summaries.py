"""From one number a track to one number a system, for many resamples at once.

Every function takes `values` float64 [m], the `cluster` int [m] of each and `weights` [r, c], how often each resample
holds each cluster, and returns float64 [r]. A row of ones gives the number itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Summary(Protocol):
    """One number for each resample."""

    def __call__(
        self, values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Summarise `values` under every row of `weights`."""


def mean(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average over tracks."""
    return _sums(values, cluster, weights) / _sums(np.ones_like(values), cluster, weights)


def mean_of_clusters(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average inside each cluster, then over clusters, so that a large album counts as much as a small one."""
    counts = np.bincount(cluster, minlength=weights.shape[1])
    means = np.bincount(cluster, values, minlength=weights.shape[1]) / counts
    return np.asarray(weights @ means / weights.sum(axis=1))


def skewness(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the third standardised moment over tracks; 0 where all values are the same."""
    centred = values - values.mean()  # keeps the differences of large powers below exact
    count, first, second, third = (_sums(centred**power, cluster, weights) for power in range(4))
    centre = first / count
    variance = np.maximum(second / count - centre**2, 0.0)
    moment = third / count - 3 * centre * second / count + 2 * centre**3
    varies = variance > 1e-12
    return np.where(varies, moment / np.where(varies, variance, 1.0) ** 1.5, 0.0)


def largest(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest value among the tracks that are in the resample."""
    tops = np.full(weights.shape[1], -np.inf)
    np.maximum.at(tops, cluster, values)
    return np.asarray(np.where(weights > 0, tops, -np.inf).max(axis=1))


def median(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the median over tracks, the lower of the middle two where their number is even."""
    order = np.argsort(values, kind="stable")
    covered = np.cumsum(weights[:, cluster[order]], axis=1)
    middle = (2 * covered >= covered[:, -1:]).argmax(axis=1)
    return np.asarray(values[order][middle])


def _sums(
    values: NDArray[np.float64], cluster: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(weights @ np.bincount(cluster, values, minlength=weights.shape[1]))
