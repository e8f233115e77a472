"""Vectors that lie as those of real music do, as many as wanted, from a model with two levels: albums and tracks.

    python -m soundalike.research.bench.index.music VECTORS.npz CORPUS/tracks.csv

fits the model on the output of `soundalike extract` for a folder of albums, in the space of the built-in projection
before its last step (scaling to unit length), and writes `music.npz`:

- an album's centre is drawn from a normal distribution. Its covariance is the mean of two estimates, that of the
  albums' centres (less what chance adds to a mean of few tracks) and the shape of the covariance of all tracks;
- a track is its album's centre and a deviation drawn from the covariance within albums, times the spread of the album
  and of the track, both log-normal. The spreads were set by hand, so that 414 drawn tracks have the nearest
  neighbours of the 414 real ones (it prints both, as quantiles of the cosine).
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from soundalike.similarity.builtin import builtin_projection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundalike.similarity.projection import Projection

FITTED: Final = Path(__file__).parent / "music.npz"
TRACKS_PER_ALBUM: Final = 13
ALBUM_SPREAD: Final = 0.35
TRACK_SPREAD: Final = 0.25
_CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class MusicModel:
    """The mean [d] and the two covariances [d, d] in the space of the projection of `model`."""

    model: str
    mean: NDArray[np.float32]
    between: NDArray[np.float32]
    within: NDArray[np.float32]

    @classmethod
    def load(cls) -> Self:
        """Read what was fitted."""
        with np.load(FITTED, allow_pickle=False) as archive:
            return cls(str(archive["model"]), archive["mean"], archive["between"], archive["within"])

    @property
    def projection(self) -> Projection:
        """The built-in projection that the model was fitted in."""
        return _builtin(self.model)

    def write_raw(self, path: Path, count: int, *, seed: int) -> None:
        """Draw `count` raw vectors and write them to a file, float32 [n, D]; track i is of album i // 13."""
        rng = np.random.default_rng(seed)
        between, within = _root(self.between), _root(self.within)
        projection = self.projection
        back = (projection.eigenvalues**projection.exponent)[:, np.newaxis] * projection.components
        raw = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, projection.input_dimensions))
        for start in range(0, count, _CHUNK_ROWS):
            rows = min(_CHUNK_ROWS, count - start)
            first, last = start // TRACKS_PER_ALBUM, (start + rows - 1) // TRACKS_PER_ALBUM
            # An album that lies across two chunks is the same in both.
            drawn = [np.random.default_rng((seed, album)) for album in (first, last)]
            centres = rng.standard_normal((last - first + 1, len(self.mean)))
            spreads = rng.standard_normal(last - first + 1)
            for place, generator in zip((0, -1), drawn, strict=True):
                centres[place], spreads[place] = generator.standard_normal(len(self.mean)), generator.standard_normal()
            album = np.arange(start, start + rows) // TRACKS_PER_ALBUM - first
            spread = np.exp(ALBUM_SPREAD * spreads[album] + TRACK_SPREAD * rng.standard_normal(rows))
            spread /= np.exp(ALBUM_SPREAD**2 + TRACK_SPREAD**2)
            deviations = rng.standard_normal((rows, len(self.mean))) @ within.T * spread[:, np.newaxis]
            drawn_vectors = self.mean + (centres @ between.T)[album] + deviations
            raw[start : start + rows] = projection.mean + projection.scale * (drawn_vectors @ back)
        raw.flush()


def fit(vectors: Path, tracks: Path) -> MusicModel:
    """Fit the model on the raw vectors of a corpus and write it to `music.npz`."""
    with np.load(vectors, allow_pickle=False) as archive:
        raw, model, paths = archive["vectors"], str(archive["model"]), archive["paths"].tolist()
    with tracks.open(encoding="utf-8", newline="") as file:
        album_of = {str(tracks.parent / row["path"]): row["album"] for row in csv.DictReader(file)}
    known = [number for number, path in enumerate(paths) if path in album_of]
    projected = _before_unit_length(model, raw[known])
    _, album = np.unique([album_of[paths[number]] for number in known], return_inverse=True)
    counts = np.bincount(album)
    centres = np.stack([projected[album == each].mean(axis=0) for each in range(len(counts))])
    deviations = projected - centres[album]
    within = deviations.T @ deviations / (len(projected) - len(counts))
    apart = np.cov((centres - projected.mean(axis=0)).T) - within * np.mean(1 / counts)
    values, directions = np.linalg.eigh(apart)
    apart = (directions * np.maximum(values, 0.0)) @ directions.T
    everything = np.cov(projected.T)
    between = 0.5 * apart + 0.5 * everything * np.trace(apart) / np.trace(everything)
    fitted = MusicModel(
        model, projected.mean(axis=0).astype(np.float32), between.astype(np.float32), within.astype(np.float32)
    )
    np.savez(FITTED, model=model, mean=fitted.mean, between=fitted.between, within=fitted.within)
    return fitted


def nearest(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines [n, 10] of the ten nearest to each of a few vectors [n, d]."""
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2.0)
    return -np.sort(-cosines, axis=1)[:, :10]


def _before_unit_length(model: str, raw: NDArray[np.float32]) -> NDArray[np.float64]:
    projection = _builtin(model)
    rotated = ((raw - projection.mean) / projection.scale) @ projection.components.T
    scaled: NDArray[np.float64] = rotated / projection.eigenvalues**projection.exponent
    return scaled


def _builtin(model: str) -> Projection:
    projection = builtin_projection(model)
    if projection is None:
        raise SystemExit(
            f"there is no built-in projection for {model}; fit the model of music again (see bench/index/music.py)"
        )
    return projection


def _root(covariance: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    root: NDArray[np.floating[Any]] = np.linalg.cholesky(covariance.astype(np.float64) + 1e-9 * np.eye(len(covariance)))
    return root


def main() -> None:
    """Fit, and show how the drawn tracks lie beside the real ones."""
    arguments = argparse.ArgumentParser(description="Fits the model of how music lies in the space.")
    arguments.add_argument("vectors", type=Path)
    arguments.add_argument("tracks", type=Path)
    options = arguments.parse_args()
    fitted = fit(options.vectors, options.tracks)
    with np.load(options.vectors, allow_pickle=False) as archive:
        real = fitted.projection.apply(archive["vectors"])
    path = Path("drawn.npy")
    fitted.write_raw(path, len(real), seed=1)
    drawn = fitted.projection.apply(np.load(path))
    path.unlink()
    for place in (0, 9):
        for name, unit in (("real", real), ("drawn", drawn)):
            quantiles = np.quantile(nearest(unit)[:, place], [0.05, 0.25, 0.5, 0.75, 0.95])
            print(f"cosine of neighbour {place + 1:2}, {name:5}: " + " ".join(f"{value:.3f}" for value in quantiles))


if __name__ == "__main__":
    main()
