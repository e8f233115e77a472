"""What a cosine of two projected vectors is worth: how much more alike they are than two tracks usually are.

A cosine alone means little: some vectors lie in the middle of all music and are near to everything (hubs). So it is
measured against how far both vectors lie from music in general, whose mean and covariance are kept here. For unit
vectors x and y of that music the cosine with x has the mean x.m and the variance x'Cx; `standardised` is how many such
deviations the cosine lies above it, averaged over both. This is mutual proximity in its Gaussian form without its last
step (D. Schnitzer, A. Flexer, M. Schedl, G. Widmer: Local and global scaling reduce hubs in space, JMLR 2012), and the
statistics are those of reference music, so that a pair of tracks has the same score in every catalogue.
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
"""Log-odds of one album for a standardised likeness z are INTERCEPT + SLOPE * z, where nothing better was measured.

Measured with Choi's vectors under the shipped projection on 414 tracks of 32 game soundtracks.
"""

_QUANTILES: Final = 201
_PAIRS: Final = 40_000
_IMAGINED: Final = 16
SMALLEST_DEVIATION: Final = np.float32(1e-6)
"""What cosines spread at least, so that nothing is divided by zero."""

_FARTHEST: Final = 50.0
_ARRAYS: Final = ("mean", "covariance", "group_means", "group_covariances", "group_quantiles", "log_odds", "projection")


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """Projected vectors [n, d], with mean [n] and deviation [n] of the cosines that each has with music in general."""

    vectors: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> Placed:
        """Return some of them."""
        return Placed(self.vectors[rows], self.mean[rows], self.deviation[rows])


@dataclass(frozen=True, eq=False, slots=True)
class Calibration:
    """The scale on which likeness is told, for vectors of one projection.

    `mean` [d] and `covariance` [d, d] of projected vectors; `group_means` [g, w] and `group_covariances` [g, w, w] of
    the groups of numbers of a raw vector, each taken to unit length; `group_quantiles` [g, q], by which a standardised
    likeness in a group becomes the share of random pairs that are less alike. All float32. `log_odds` is intercept and
    slope. `projection` is the SHA-256 of the projection's arrays. A vector that does not divide into groups has g = 0.
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

        Mean and covariance are drawn towards those of vectors that point everywhere, with the weight of 16 of them, so
        that few vectors and none give a usable scale.
        """
        mean, covariance = _moments(projected)
        parts = grouped(projected, projection)
        moments = [_moments(part) for part in parts]
        found = cls(
            mean=mean,
            covariance=covariance,
            group_means=np.stack([m for m, _ in moments]) if moments else np.empty((0, 0), np.float32),
            group_covariances=np.stack([c for _, c in moments]) if moments else np.empty((0, 0, 0), np.float32),
            group_quantiles=np.zeros((len(parts), _QUANTILES), np.float32),
            log_odds=log_odds,
            projection=digest(projection),
        )
        return replace(found, group_quantiles=found._quantiles(parts, seed))

    def place(self, vectors: NDArray[np.float32]) -> Placed:
        """Tell of projected vectors [n, d] how they lie to music in general."""
        return _placed(vectors, self.mean, self.covariance)

    def odds(self, likeness: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the odds that tracks so much more alike than usual stand on one album, if half of all pairs did."""
        intercept, slope = self.log_odds
        log_odds = intercept + slope * likeness.astype(np.float64)
        return np.asarray(np.exp(np.clip(log_odds, -_FARTHEST, _FARTHEST)))

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
            normal = np.random.default_rng(seed).standard_normal(_PAIRS)
            return np.tile(np.quantile(normal, levels), (len(parts), 1)).astype(np.float32)
        rng = np.random.default_rng(seed)
        ones = rng.integers(count, size=_PAIRS)
        others = (ones + rng.integers(1, count, size=_PAIRS)) % count
        found = np.empty((len(parts), _QUANTILES), np.float32)
        for number, part in enumerate(parts):
            placed = _placed(part, self.group_means[number], self.group_covariances[number])
            mine, theirs = placed[ones], placed[others]
            cosines = np.einsum("nd,nd->n", mine.vectors, theirs.vectors)
            likeness = (cosines - mine.mean) / mine.deviation + (cosines - theirs.mean) / theirs.deviation
            found[number] = np.quantile(likeness / 2, levels)
        return found


def grouped(projected: NDArray[np.float32], projection: Projection) -> NDArray[np.float32]:
    """Return projected vectors [n, d] in the groups of their raw numbers: [g, n, w], rows of unit length.

    A raw vector that does not divide into groups has none of them: g = 0.

    The way back from a projection knows neither the length of a vector nor the least of its components; both do not
    matter: on real music cosines in a group differ from those of the raw vectors, standardised, by less than 0.05.
    """
    return unit_length(projected.astype(np.float64) @ way_back(projection)).astype(np.float32)


def way_back(projection: Projection) -> NDArray[np.float64]:
    """Return what leads from a projected vector to each group of raw numbers, [g, d, w]; see `grouped`."""
    width, rest = divmod(projection.input_dimensions, GROUPS)
    if rest or width == 0:
        return np.empty((0, projection.dimensions, 0))
    weights = (projection.eigenvalues**projection.exponent)[:, np.newaxis] * projection.components
    return np.ascontiguousarray(weights.reshape(projection.dimensions, GROUPS, width).swapaxes(0, 1))


def digest(projection: Projection) -> str:
    """Return the SHA-256 (hex) of a projection's numbers."""
    hashed = hashlib.sha256(np.float64(projection.exponent).tobytes())
    for array in (projection.mean, projection.scale, projection.components, projection.eigenvalues):
        hashed.update(array.tobytes())
    return hashed.hexdigest()


def _moments(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean [d] and covariance [d, d] of n vectors and some imagined ones, which point everywhere."""
    count, dimensions = vectors.shape
    known = vectors.astype(np.float64)
    mean = known.sum(axis=0) / (count + _IMAGINED)
    apart = known - mean
    imagined = _IMAGINED * (np.eye(dimensions) / dimensions + np.outer(mean, mean))
    return mean.astype(np.float32), ((apart.T @ apart + imagined) / (count + _IMAGINED)).astype(np.float32)


def standardised(ones: Placed, others: Placed) -> NDArray[np.float32]:
    """Return how much more alike than usual [m] and [n] vectors are, in deviations [m, n]."""
    cosines = np.clip(ones.vectors @ others.vectors.T, np.float32(-1.0), np.float32(1.0))
    mine = (cosines - ones.mean[:, np.newaxis]) / ones.deviation[:, np.newaxis]
    theirs = (cosines - others.mean) / others.deviation
    likeness: NDArray[np.float32] = (mine + theirs) / 2
    return likeness


def _placed(vectors: NDArray[np.float32], mean: NDArray[np.float32], covariance: NDArray[np.float32]) -> Placed:
    variance = ((vectors @ covariance) * vectors).sum(axis=1)
    deviation = np.maximum(np.sqrt(np.maximum(variance, 0.0)), SMALLEST_DEVIATION)
    return Placed(vectors, vectors @ mean, deviation)
