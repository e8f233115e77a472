"""What a cosine of two projected vectors is worth: how much more similar they are than two tracks usually are.

A cosine alone means little: some vectors lie in the middle of all music and are near to everything (hubs). So it is
compared with how near both vectors are to music in general, whose mean and covariance are stored here. For unit
vectors x and y of that music the cosine with x has the mean x.m and the variance x'Cx; `standardised_similarity` is how
many such deviations the cosine lies above it, averaged over both. This is mutual proximity in its Gaussian form without
its last step (D. Schnitzer, A. Flexer, M. Schedl, G. Widmer: Local and global scaling reduce hubs in space, JMLR 2012),
and the statistics are those of reference music, so that a pair of tracks has the same score in every catalogue.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from soundalike.similarity.errors import InvalidCalibration
from soundalike.similarity.projection import unit_length

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from soundalike.similarity.projection import Projection

FORMAT: Final = 1
GROUPS: Final = 5
"""Into how many groups of equal size the numbers of a raw vector fall: one for each layer of the network."""

INTERCEPT: Final = -0.41
SLOPE: Final = 0.87
"""Log-odds of one album for a standardised similarity z are INTERCEPT + SLOPE * z, where nothing better was measured.

Measured with Choi's vectors under the built-in projection on 414 tracks of 32 game soundtracks.
"""

_QUANTILES: Final = 201
_RANDOM_PAIRS: Final = 40_000
_PRIOR_WEIGHT: Final = 16
MIN_DEVIATION: Final = np.float32(1e-6)
"""Smallest deviation of cosines, so that nothing is divided by zero."""

_MAX_LOG_ODDS: Final = 50.0
_ARRAYS: Final = ("mean", "covariance", "group_means", "group_covariances", "group_quantiles", "log_odds", "projection")


@dataclass(frozen=True, eq=False, slots=True)
class CalibratedVectors:
    """Projected vectors [n, d], with mean [n] and deviation [n] of the cosines that each has with music in general."""

    vectors: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> CalibratedVectors:
        """Return some of the rows."""
        return CalibratedVectors(self.vectors[rows], self.mean[rows], self.deviation[rows])


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """The scale of similarity for vectors of one projection.

    `mean` [d] and `covariance` [d, d] of projected vectors; `group_means` [g, w] and `group_covariances` [g, w, w] of
    the groups of numbers of a raw vector, each taken to unit length; `group_quantiles` [g, q], by which a standardised
    similarity in a group becomes the share of random pairs that are less similar. All float32. `log_odds` is intercept
    and slope. `projection` is the SHA-256 of the projection's arrays. A vector that does not divide into groups has g =
    0.
    """

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    group_means: NDArray[np.float32]
    group_covariances: NDArray[np.float32]
    group_quantiles: NDArray[np.float32]
    log_odds: tuple[float, float]
    projection: str

    def __post_init__(self) -> None:
        dimensions, groups, width = len(self.mean), *self.group_means.shape
        if (
            self.covariance.shape != (dimensions, dimensions)
            or self.group_covariances.shape != (groups, width, width)
            or self.group_quantiles.shape[:1] != (groups,)
            or not self.log_odds[1] > 0
        ):
            raise InvalidCalibration("the arrays of the calibration do not fit together")
        if not all(np.isfinite(getattr(self, name)).all() for name in _ARRAYS[:-2]):
            raise InvalidCalibration("the calibration holds values that are not finite")

    @classmethod
    def measure(
        cls,
        projected: NDArray[np.float32],
        projection: Projection,
        *,
        log_odds: tuple[float, float] = (INTERCEPT, SLOPE),
        seed: int = 0,
    ) -> Self:
        """Measure reference music: projected vectors [n, d], n of any size.

        Mean and covariance are drawn towards those of isotropic vectors, with the weight of 16 of them, so that few
        vectors, or none, give a usable scale.
        """
        mean, covariance = _moments(projected)
        parts = layer_vectors(projected, projection)
        moments = [_moments(part) for part in parts]
        calibration = cls(
            mean=mean,
            covariance=covariance,
            group_means=np.stack([m for m, _ in moments]) if moments else np.empty((0, 0), np.float32),
            group_covariances=np.stack([c for _, c in moments]) if moments else np.empty((0, 0, 0), np.float32),
            group_quantiles=np.zeros((len(parts), _QUANTILES), np.float32),
            log_odds=log_odds,
            projection=projection_digest(projection),
        )
        return replace(calibration, group_quantiles=calibration._quantiles(parts, seed))

    def calibrate(self, vectors: NDArray[np.float32]) -> CalibratedVectors:
        """Return projected vectors [n, d] with the mean and deviation of their cosines with music in general."""
        return _calibrated(vectors, self.mean, self.covariance)

    def odds(self, similarity: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the odds that tracks of this standardised similarity share an album, if half of all pairs did."""
        intercept, slope = self.log_odds
        log_odds = intercept + slope * similarity.astype(np.float64)
        return np.asarray(np.exp(np.clip(log_odds, -_MAX_LOG_ODDS, _MAX_LOG_ODDS)))

    def to_bytes(self) -> bytes:
        """Return the calibration as the bytes of an .npz file of plain arrays."""
        buffer = BytesIO()
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(buffer, format=np.int64(FORMAT), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read what `to_bytes` wrote, unpickling nothing; raises `InvalidCalibration` for anything else."""
        try:
            with np.load(BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: np.asarray(archive[name]) for name in archive.files}
        except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
            raise InvalidCalibration(f"not a calibration file: {error}") from error
        if set(arrays) != {"format", *_ARRAYS} or arrays["format"] != FORMAT or arrays["log_odds"].shape != (2,):
            raise InvalidCalibration(f"not a calibration file of format {FORMAT}: it holds {sorted(arrays)}")
        intercept, slope = arrays.pop("log_odds").tolist()
        floats = {name: arrays[name].astype(np.float32) for name in _ARRAYS[:-2]}
        return cls(**floats, log_odds=(intercept, slope), projection=str(arrays["projection"]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the calibration to an .npz file of plain arrays."""
        Path(path).write_bytes(self.to_bytes())

    def _quantiles(self, parts: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
        levels = np.linspace(0.0, 1.0, _QUANTILES)
        count = parts.shape[1]
        if count < 2:
            # Cosines of random directions, standardised, are about normally distributed.
            normal = np.random.default_rng(seed).standard_normal(_RANDOM_PAIRS)
            return np.tile(np.quantile(normal, levels), (len(parts), 1)).astype(np.float32)
        rng = np.random.default_rng(seed)
        ones = rng.integers(count, size=_RANDOM_PAIRS)
        others = (ones + rng.integers(1, count, size=_RANDOM_PAIRS)) % count
        quantiles = np.empty((len(parts), _QUANTILES), np.float32)
        for number, part in enumerate(parts):
            vectors = _calibrated(part, self.group_means[number], self.group_covariances[number])
            left, right = vectors[ones], vectors[others]
            cosines = np.einsum("nd,nd->n", left.vectors, right.vectors)
            similarity = (cosines - left.mean) / left.deviation + (cosines - right.mean) / right.deviation
            quantiles[number] = np.quantile(similarity / 2, levels)
        return quantiles


def layer_vectors(projected: NDArray[np.float32], projection: Projection) -> NDArray[np.float32]:
    """Return projected vectors [n, d] in the groups (layers) of their raw numbers: [g, n, w], rows of unit length.

    A raw vector that does not divide into groups has none of them: g = 0.

    The back projection has neither the length of a vector nor its least components; neither matters: on real music
    cosines in a group differ from those of the raw vectors, standardised, by less than 0.05.
    """
    return unit_length(projected.astype(np.float64) @ back_projection(projection)).astype(np.float32)


def back_projection(projection: Projection) -> NDArray[np.float64]:
    """Return the matrices [g, d, w] from a projected vector to each group of raw numbers; see `layer_vectors`."""
    width, rest = divmod(projection.input_dimensions, GROUPS)
    if rest or width == 0:
        return np.empty((0, projection.dimensions, 0))
    weights = (projection.eigenvalues**projection.exponent)[:, np.newaxis] * projection.components
    return np.ascontiguousarray(weights.reshape(projection.dimensions, GROUPS, width).swapaxes(0, 1))


def projection_digest(projection: Projection) -> str:
    """Return the SHA-256 (hex) of a projection's numbers."""
    digest = hashlib.sha256(np.float64(projection.exponent).tobytes())
    for array in (projection.mean, projection.scale, projection.components, projection.eigenvalues):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _moments(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean [d] and covariance [d, d] of n vectors and an isotropic prior."""
    count, dimensions = vectors.shape
    exact = vectors.astype(np.float64)
    mean = exact.sum(axis=0) / (count + _PRIOR_WEIGHT)
    centred = exact - mean
    prior = _PRIOR_WEIGHT * (np.eye(dimensions) / dimensions + np.outer(mean, mean))
    return mean.astype(np.float32), ((centred.T @ centred + prior) / (count + _PRIOR_WEIGHT)).astype(np.float32)


def standardised_similarity(left: CalibratedVectors, right: CalibratedVectors) -> NDArray[np.float32]:
    """Return how much more similar than usual [m] and [n] vectors are, in deviations [m, n]."""
    cosines = np.clip(left.vectors @ right.vectors.T, np.float32(-1.0), np.float32(1.0))
    by_left = (cosines - left.mean[:, np.newaxis]) / left.deviation[:, np.newaxis]
    by_right = (cosines - right.mean) / right.deviation
    similarity: NDArray[np.float32] = (by_left + by_right) / 2
    return similarity


def _calibrated(
    vectors: NDArray[np.float32], mean: NDArray[np.float32], covariance: NDArray[np.float32]
) -> CalibratedVectors:
    variance = ((vectors @ covariance) * vectors).sum(axis=1)
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0.0)), MIN_DEVIATION)
    return CalibratedVectors(vectors, vectors @ mean, deviation)
