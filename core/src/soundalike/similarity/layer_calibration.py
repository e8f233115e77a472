"""How similar two tracks are in each layer of the network, computed from their projected vectors alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.similarity.calibration import MIN_DEVIATION, back_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.similarity.calibration import Calibration
    from soundalike.similarity.projection import Projection

_MIN_LENGTH: Final = np.float32(1e-12)


@dataclass(frozen=True, eq=False, slots=True)
class LayerCalibration:
    """A calibration of the g groups (layers) of raw vectors, in terms of projected ones [d].

    With W [d, w] for the back projection to one group, the group of x is xW, and all that is needed of it is a form of
    x: its squared length x(WW')x, its product with another y(WW')x, its mean cosine with music x(Wm) and
    the variance of that x(WCW')x. So nothing of the size of a raw vector is computed for a query: `products` and
    `variances` are [d, g * d], `means` [d, g], `quantiles` [g, q], all float32.
    """

    products: NDArray[np.float32]
    variances: NDArray[np.float32]
    means: NDArray[np.float32]
    quantiles: NDArray[np.float32]

    @classmethod
    def of(cls, calibration: Calibration, projection: Projection) -> Self:
        """Combine a calibration with the projection that it was measured with."""
        dimensions = projection.dimensions
        back = back_projection(projection)
        covariances, means = calibration.group_covariances, calibration.group_means
        flat_shape = (dimensions, len(back) * dimensions)
        return cls(
            products=_float32(np.einsum("gdw,gew->dge", back, back), flat_shape),
            variances=_float32(np.einsum("gdw,gwv,gev->dge", back, covariances, back, optimize=True), flat_shape),
            means=_float32(np.einsum("gdw,gw->dg", back, means), (dimensions, len(back))),
            quantiles=calibration.group_quantiles,
        )

    def percentiles(self, vector: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the share of random pairs that are less similar than `vector` [d] and `others` [n, d]: [n, g]."""
        vectors = np.concatenate([vector[np.newaxis], others])
        count, groups = len(vectors), len(self.quantiles)
        result = np.empty((len(others), groups), np.float32)
        if not groups:
            return result
        products = (vectors @ self.products).reshape(count, groups, -1)
        squares = np.matmul(products, vectors[:, :, np.newaxis])[:, :, 0]
        spreads = np.matmul((vectors @ self.variances).reshape(count, groups, -1), vectors[:, :, np.newaxis])[:, :, 0]
        # A group that is silent has no direction: its cosines are 0, as are their mean and variance.
        lengths = np.sqrt(np.maximum(squares, _MIN_LENGTH**2))
        means = vectors @ self.means / lengths
        deviations = np.maximum(np.sqrt(np.maximum(spreads, 0)) / lengths, MIN_DEVIATION)
        cosines = np.clip((products[0] @ others.T).T / (lengths[0] * lengths[1:]), -1, 1)
        similarity = ((cosines - means[0]) / deviations[0] + (cosines - means[1:]) / deviations[1:]) / 2
        levels = np.linspace(0.0, 1.0, self.quantiles.shape[1])
        for number, quantiles in enumerate(self.quantiles):
            result[:, number] = np.interp(similarity[:, number], quantiles, levels)
        return result


def _float32(array: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array.reshape(shape), dtype=np.float32)
