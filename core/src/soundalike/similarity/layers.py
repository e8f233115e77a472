"""How alike two tracks are in each layer of the network, told from their projected vectors alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.similarity.calibration import SMALLEST_DEVIATION, way_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.similarity.calibration import Calibration
    from soundalike.similarity.projection import Projection

_NO_LENGTH: Final = np.float32(1e-12)


@dataclass(frozen=True, eq=False, slots=True)
class Layers:
    """What a calibration says of the g groups of numbers of raw vectors, in terms of projected ones [d].

    With W [d, w] for the way back from the projection to one group, the group of x is xW, and all that is asked of it
    is a form of x: its squared length x(WW')x, its product with another y(WW')x, its mean cosine with music x(Wm) and
    the variance of that x(WCW')x. So nothing of the size of a raw vector is computed for an answer: `products` and
    `variances` are [d, g * d], `means` [d, g], `quantiles` [g, q], all float32.
    """

    products: NDArray[np.float32]
    variances: NDArray[np.float32]
    means: NDArray[np.float32]
    quantiles: NDArray[np.float32]

    @classmethod
    def of(cls, calibration: Calibration, projection: Projection) -> Self:
        """Take the calibration through the projection that it was measured with."""
        dimensions = projection.dimensions
        ways = way_back(projection)
        covariances, means = calibration.group_covariances, calibration.group_means
        side_by_side = (dimensions, len(ways) * dimensions)
        return cls(
            products=_float32(np.einsum("gdw,gew->dge", ways, ways), side_by_side),
            variances=_float32(np.einsum("gdw,gwv,gev->dge", ways, covariances, ways, optimize=True), side_by_side),
            means=_float32(np.einsum("gdw,gw->dg", ways, means), (dimensions, len(ways))),
            quantiles=calibration.group_quantiles,
        )

    def shares(self, one: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the share of random pairs that are less alike than `one` [d] and `others` [n, d], by group [n, g]."""
        vectors = np.concatenate([one[np.newaxis], others])
        count, groups = len(vectors), len(self.quantiles)
        shares = np.empty((len(others), groups), np.float32)
        if not groups:
            return shares
        products = (vectors @ self.products).reshape(count, groups, -1)
        squares = np.matmul(products, vectors[:, :, np.newaxis])[:, :, 0]
        spreads = np.matmul((vectors @ self.variances).reshape(count, groups, -1), vectors[:, :, np.newaxis])[:, :, 0]
        # A group that is silent has no direction: its cosines are 0, as are their mean and variance.
        lengths = np.sqrt(np.maximum(squares, _NO_LENGTH**2))
        means = vectors @ self.means / lengths
        deviations = np.maximum(np.sqrt(np.maximum(spreads, 0)) / lengths, SMALLEST_DEVIATION)
        cosines = np.clip((products[0] @ others.T).T / (lengths[0] * lengths[1:]), -1, 1)
        likeness = ((cosines - means[0]) / deviations[0] + (cosines - means[1:]) / deviations[1:]) / 2
        levels = np.linspace(0.0, 1.0, self.quantiles.shape[1])
        for number, quantiles in enumerate(self.quantiles):
            shares[:, number] = np.interp(likeness[:, number], quantiles, levels)
        return shares


def _float32(array: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array.reshape(shape), dtype=np.float32)
