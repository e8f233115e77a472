from __future__ import annotations

import numpy as np
import pytest

from soundalike.indexer import projection_selection
from soundalike.indexer.projection_selection import Album, compare_with_refit, fit, select_projection
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

from .conftest import vector_of

VECTORS = np.array([vector_of(number) for number in range(400)])
RANDOM = np.random.default_rng(3)
DIMENSIONS = 12


@pytest.mark.parametrize(
    ("count", "dimensions", "kind"),
    [(1, 160, "identity"), (31, 160, "identity"), (32, 128, "fitted"), (400, 128, "fitted")],
)
def test_few_tracks_are_not_fitted_on(count: int, dimensions: int, kind: str) -> None:
    projection, choice = select_projection("no-builtin-projection", VECTORS[:count], [], fit_rows=1000, seed=1)
    assert (projection.dimensions, choice.kind) == (dimensions, kind)


def test_many_tracks_are_fitted_on_a_sample_of_them() -> None:
    sampled, again, whole = (fit(VECTORS, rows=rows, seed=1) for rows in (100, 100, 400))
    np.testing.assert_array_equal(sampled.mean, again.mean)
    assert not np.array_equal(sampled.mean, whole.mean)
    np.testing.assert_array_equal(whole.mean, EmbeddingProjection().fit(VECTORS).projection_.mean)
    assert np.abs(sampled.mean - whole.mean).max() < 0.5


def catalogue(count: int) -> tuple[np.ndarray, list[Album]]:
    """Albums of four that differ in few dimensions, among many dimensions of noise."""
    albums = count // 4
    signal = np.repeat(RANDOM.normal(size=(albums, 4)), 4, axis=0) + 0.3 * RANDOM.normal(size=(4 * albums, 4))
    noise = RANDOM.normal(size=(4 * albums, DIMENSIONS - 4))
    vectors = np.hstack([signal, 30.0 * noise]).astype(np.float32)
    return vectors, [Album(f"artist {n // 2}", tuple(range(4 * n, 4 * n + 4))) for n in range(albums)]


def test_a_fit_on_the_catalogue_is_taken_where_it_ranks_albums_better() -> None:
    vectors, albums = catalogue(800)
    choice = compare_with_refit(vectors, albums, Projection.identity(DIMENSIONS), fit_rows=10_000, seed=1)
    assert choice.kind == "refitted"
    assert choice.albums == 200
    assert choice.gain is not None
    assert choice.gain[0] > 0
    assert choice.map_refitted > choice.map_shipped


def test_the_builtin_one_stays_where_a_fit_gains_nothing() -> None:
    vectors, albums = catalogue(800)
    # The best possible one: it keeps nothing but the signal.
    ideal = Projection(np.zeros(DIMENSIONS), np.ones(DIMENSIONS), np.eye(DIMENSIONS)[:4], np.ones(4), 0.0)
    choice = compare_with_refit(vectors, albums, ideal, fit_rows=10_000, seed=1)
    assert choice.kind == "shipped"
    assert choice.gain is not None
    assert choice.gain[0] <= 0
    assert choice.map_shipped > choice.map_refitted


def test_no_artist_is_in_both_fit_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, albums = catalogue(400)
    artist_of = {row: album.artist for album in albums for row in album.rows}
    number_of = {vector.tobytes(): row for row, vector in enumerate(vectors)}
    fitted_on: list[set[str]] = []
    tested: list[set[str]] = []
    real_fit, real_precision = projection_selection.fit, projection_selection._album_precision

    def watched_fit(vectors: np.ndarray, **options: int) -> Projection:
        fitted_on.append({artist_of[number_of[vector.tobytes()]] for vector in vectors})
        return real_fit(vectors, **options)

    monkeypatch.setattr(projection_selection, "fit", watched_fit)

    class Watched:
        def apply(self, raw: np.ndarray) -> np.ndarray:
            tested.append({artist_of[number_of[vector.tobytes()]] for vector in raw})
            return Projection.identity(DIMENSIONS).apply(raw)

    compare_with_refit(vectors, albums, Watched(), fit_rows=10_000, seed=1)
    assert len(fitted_on) == len(tested) == 5
    for fitting, testing in zip(fitted_on, tested, strict=True):
        assert fitting
        assert testing
        assert not fitting & testing
    assert set.union(*tested) == set(artist_of.values())
    assert real_precision is projection_selection._album_precision


def test_precision_is_as_computed_by_hand() -> None:
    angles = np.radians([0, 10, 20, 30])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # From 0: 10 (other), 20 (mine), 30. From 20: 10 and 30 (others, equally near), then 0.
    mine, other = projection_selection._album_precision(unit, np.array([0, 1, 0, 1]))
    assert mine == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert other == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_a_small_or_unlabelled_catalogue_keeps_the_builtin_projection(monkeypatch: pytest.MonkeyPatch) -> None:
    builtin = Projection.identity(DIMENSIONS)
    monkeypatch.setattr(projection_selection, "builtin_projection", lambda _: builtin)
    vectors, albums = catalogue(800)
    projection, choice = select_projection("m", vectors, albums, fit_rows=10_000, seed=1)
    assert projection is builtin
    assert choice.as_parameters() == {"kind": "shipped", "reason": "fewer than 5000 tracks to refit on", "albums": 0}
    monkeypatch.setattr(projection_selection, "MIN_TRACKS_TO_REFIT", 800)
    projection, choice = select_projection("m", vectors, albums[:99], fit_rows=10_000, seed=1)
    assert projection is builtin
    assert "only 99 albums" in choice.reason
    projection, choice = select_projection("m", vectors, albums, fit_rows=10_000, seed=1)
    assert projection is not builtin
    assert choice.kind == "refitted"
