"""The projection of a version: the built-in one, or one fitted on this catalogue where that ranks better.

There are no labels of which tracks sound alike. Tracks of one album mostly do, and the catalogue knows albums: a
projection is better where a track's album comes earlier in its ranking (mean average precision). That is only a proxy,
so the built-in projection is replaced only where the gain is significant, on albums by artists that the other was not
fitted on.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from soundalike.similarity.builtin import builtin_projection
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

log = logging.getLogger(__name__)

MIN_TRACKS_TO_REFIT: Final = 5_000
"""With fewer tracks the built-in projection, fitted on varied music, is used without a comparison."""

_MIN_TRACKS_TO_FIT: Final = 32
"""With fewer tracks the raw vectors rank new tracks better than any fit (measured on game soundtracks)."""

_MIN_ALBUMS: Final = 100
_FOLDS: Final = 5
_RESAMPLES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Album:
    """An album: its first artist, and the rows of its tracks in the vectors."""

    artist: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProjectionChoice:
    """The selected projection and why, which goes into the version's parameters.

    `gain` is the 95 % interval, over albums, of what refitting adds to the mean average precision.
    """

    kind: Literal["shipped", "refitted", "fitted", "identity"]
    reason: str
    albums: int = 0
    map_shipped: float | None = None
    map_refitted: float | None = None
    gain: tuple[float, float] | None = None

    def as_parameters(self) -> dict[str, Any]:
        """Return the fields that are known, for JSON."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def select_projection(
    model: str, vectors: NDArray[np.float32], albums: Sequence[Album], *, fit_rows: int, seed: int
) -> tuple[Projection, ProjectionChoice]:
    """Select the projection of raw `vectors` [n, D]; `albums` are those of at least two tracks, some or all."""
    builtin = builtin_projection(model)
    if builtin is None:
        if len(vectors) < _MIN_TRACKS_TO_FIT:
            return Projection.identity(vectors.shape[1]), ProjectionChoice(
                "identity", f"fewer than {_MIN_TRACKS_TO_FIT} tracks"
            )
        return fit(vectors, rows=fit_rows, seed=seed), ProjectionChoice("fitted", f"no built-in projection for {model}")
    if len(vectors) < MIN_TRACKS_TO_REFIT:
        return builtin, ProjectionChoice("shipped", f"fewer than {MIN_TRACKS_TO_REFIT} tracks to refit on")
    if len(albums) < _MIN_ALBUMS:
        reason = f"only {len(albums)} albums of two tracks or more to compare by, {_MIN_ALBUMS} are needed"
        return builtin, ProjectionChoice("shipped", reason, albums=len(albums))
    choice = compare_with_refit(vectors, albums, builtin, fit_rows=fit_rows, seed=seed)
    log.info("projection: %s, %s", choice.kind, choice.reason)
    return (builtin if choice.kind == "shipped" else fit(vectors, rows=fit_rows, seed=seed)), choice


def compare_with_refit(
    vectors: NDArray[np.float32], albums: Sequence[Album], builtin: Projection, *, fit_rows: int, seed: int
) -> ProjectionChoice:
    """Compare `builtin` with fits on other artists' tracks, fold by fold, paired by album."""
    rng = np.random.default_rng(seed)
    artists = {artist: number for number, artist in enumerate(sorted({album.artist for album in albums}))}
    fold_of = rng.permutation(len(artists)) % _FOLDS
    builtin_precision: list[float] = []
    refitted_precision: list[float] = []
    for fold in range(_FOLDS):
        test_albums = [album for album in albums if fold_of[artists[album.artist]] == fold]
        if len(test_albums) < 2:
            continue
        rows = np.concatenate([album.rows for album in test_albums])
        labels = np.repeat(np.arange(len(test_albums)), [len(album.rows) for album in test_albums])
        others = np.setdiff1d(np.arange(len(vectors)), rows)
        refitted = fit(vectors[_sample(others, fit_rows, rng)], rows=fit_rows, seed=seed)
        raw = np.asarray(vectors[rows])
        builtin_precision += _album_precision(builtin.apply(raw), labels)
        refitted_precision += _album_precision(refitted.apply(raw), labels)
    gains = np.asarray(refitted_precision) - np.asarray(builtin_precision)
    means = gains[rng.integers(len(gains), size=(_RESAMPLES, len(gains)))].mean(axis=1)
    low, high = (round(float(bound), 4) for bound in np.quantile(means, [0.025, 0.975]))
    better = low > 0
    return ProjectionChoice(
        "refitted" if better else "shipped",
        "a fit on this catalogue ranks albums better" if better else "a fit on this catalogue ranks albums no better",
        albums=len(gains),
        map_shipped=round(float(np.mean(builtin_precision)), 4),
        map_refitted=round(float(np.mean(refitted_precision)), 4),
        gain=(low, high),
    )


def fit(vectors: NDArray[np.float32], *, rows: int, seed: int) -> Projection:
    """Fit the projection on `vectors` [n, D], on a random sample of `rows` of them where there are more."""
    rows_used = _sample(np.arange(len(vectors)), rows, np.random.default_rng(seed))
    fitted: Projection = EmbeddingProjection().fit(vectors[rows_used]).projection_
    return fitted


def _sample(rows: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= count else np.sort(rng.choice(rows, size=count, replace=False, shuffle=False))


def _album_precision(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> list[float]:
    """Return the mean average precision [albums] with which tracks rank the rest of their album among all others."""
    precision = np.empty(len(vectors))
    for row in range(len(vectors)):
        cosines = vectors @ vectors[row]
        cosines[row] = -np.inf
        ranked = labels[np.argsort(-cosines, kind="stable")[:-1]] == labels[row]
        hits = np.flatnonzero(ranked)
        precision[row] = np.mean(np.arange(1, len(hits) + 1) / (hits + 1))
    return [float(precision[labels == album].mean()) for album in range(labels.max() + 1)]
