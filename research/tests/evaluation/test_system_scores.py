from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.corpus import Labels
from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.projection_fit import EmbeddingSpace, TrainingVectors, fit_half_whitening
from soundalike.research.evaluation.system_scores import QuerySet, measure_system

ALBUMS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
ARTISTS = np.array([0, 0, 0, 0, -1, 0, 1, 1, -1, 2, 2, -1])


def corpus(albums: np.ndarray = ALBUMS, artists: np.ndarray = ARTISTS) -> QuerySet:
    return QuerySet.of(Labels(albums, artists, np.arange(len(albums))))


def one_direction_an_album(albums: np.ndarray = ALBUMS) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((len(albums), 8)) * 0.01
    return np.eye(8)[albums] + noise


def test_a_system_that_knows_albums_finds_them() -> None:
    vectors = one_direction_an_album()
    values = measure_system(corpus(), vectors, {}, None, seed=1).values
    expected = np.where(ALBUMS < 3, 1.0, np.nan)
    assert np.array_equal(values["map"], expected, equal_nan=True)
    assert np.array_equal(values["p_at_1"], expected, equal_nan=True)
    assert values["p_at_10"] == pytest.approx(expected * 0.2, nan_ok=True)
    assert np.array_equal(values["ndcg_at_10"], expected, equal_nan=True)


def test_ranks_by_hand() -> None:
    # On a line: each track's angle. Track 0 sees 1 (other album), then 2 and 3 of its own: AP (1/2 + 2/3) / 2.
    angles = np.radians([0, 1, 3, 7, 20, 22, *range(100, 106)])
    albums = np.array([0, 1, 0, 0, 1, 1, *range(2, 8)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    values = measure_system(corpus(albums, np.full(12, -1)), vectors, {}, None, seed=1).values
    assert values["map"][0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    # Track 1 (1°) sees 0, 2, 3 of the other album, then 4 and 5: (1/4 + 2/5) / 2.
    assert values["map"][1] == pytest.approx((1 / 4 + 2 / 5) / 2)
    assert values["p_at_5"][1] == pytest.approx(2 / 5)
    assert np.isnan(values["map"][6:]).all()
    assert np.isnan(values["map_artist"]).all()


def test_artists_are_asked_for_across_albums() -> None:
    values = measure_system(corpus(), one_direction_an_album(), {}, None, seed=1).values
    assert np.flatnonzero(~np.isnan(values["map_artist"])).tolist() == [0, 1, 2, 3, 5]
    assert values["map_artist"][:3].mean() < 1.0


def test_changed_versions_find_their_originals_and_missing_ones_are_not_asked() -> None:
    vectors = one_direction_an_album()
    changed, broken = vectors * 3, np.full_like(vectors, 0.0)
    changed[4] = np.nan
    values = measure_system(corpus(), vectors, {"same": changed, "deaf": broken}, None, seed=1).values
    assert np.array_equal(values["same_rank"], np.where(np.arange(12) == 4, np.nan, 1.0), equal_nan=True)
    assert values["same_first"][0] == 1.0
    assert np.isnan(values["same_first"][4])
    assert values["deaf_rank"].tolist() == [12.0] * 12
    assert values["deaf_first"].tolist() == [0.0] * 12


def test_nobody_is_recommended_to_themselves_and_every_list_is_counted() -> None:
    values = measure_system(corpus(), one_direction_an_album(), {}, None, seed=1).values
    # Twelve lists of ten out of eleven others.
    assert values["n10_skewness"].sum() == 120
    assert values["n10_skewness"].max() <= 11
    assert np.array_equal(values["never_recommended"] + values["coverage_at_10"], np.ones(12))


def test_what_is_fitted_never_saw_the_album_or_the_artist_it_is_judged_on() -> None:
    # The first number of each vector is the track's own.
    vectors = np.column_stack([np.arange(12.0), one_direction_an_album()])
    fitted: list[set[int]] = []
    tested: list[set[int]] = []

    def fit(training: TrainingVectors, seed: int) -> EmbeddingSpace:
        fitted.append(set(training.vectors[:, 0].astype(int).tolist()))

        def transform(raw: np.ndarray) -> np.ndarray:
            if len(raw) < 12:
                tested.append(set(raw[:, 0].astype(int).tolist()))
            return raw[:, 1:]

        return EmbeddingSpace(transform, note="chosen")

    scores = measure_system(corpus(), vectors, {"same": vectors}, fit, seed=3)
    assert len(fitted) == len(tested) > 1
    for training, test_tracks in zip(fitted, tested, strict=True):
        trained_on, queried = sorted(training), sorted(test_tracks)
        assert not set(ALBUMS[trained_on]) & set(ALBUMS[queried])
        assert not (set(ARTISTS[trained_on]) & set(ARTISTS[queried])) - {-1}
        assert training | test_tracks == set(range(12))
    assert sorted(track for test_tracks in tested for track in test_tracks) == list(range(12))
    assert scores.notes == ("chosen",) * len(fitted)


def test_half_whitening_finds_what_a_loud_common_direction_hides() -> None:
    random = np.random.default_rng(2)
    albums = np.repeat(np.arange(20), 4)
    style = random.standard_normal((20, 10))[albums]
    vectors = style + 0.5 * random.standard_normal(style.shape)
    vectors[:, 0] = 20 * random.standard_normal(len(albums))
    queries = corpus(albums, np.full(len(albums), -1))
    raw = measure_system(queries, vectors, {}, None, seed=1).values["map"].mean()
    projected = measure_system(queries, vectors, {}, fit_half_whitening, seed=1).values["map"].mean()
    assert projected > raw + 0.2


def test_many_queries_are_judged_block_by_block_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).standard_normal((12, 5))
    whole = measure_system(corpus(), vectors, {"same": vectors}, fit_half_whitening, seed=1).values
    monkeypatch.setattr("soundalike.research.evaluation.system_scores._BLOCK_VALUES", 24)
    parts = measure_system(corpus(), vectors, {"same": vectors}, fit_half_whitening, seed=1).values
    assert all(np.array_equal(whole[key], parts[key], equal_nan=True) for key in whole)


@pytest.mark.parametrize(
    ("albums", "complaint"),
    [
        (np.arange(20), "0 album"),
        (np.array([0] * 10 + list(range(1, 11))), "1 album"),
        (np.repeat([0, 1], 5), "10 tracks are too few"),
    ],
)
def test_too_little_music_is_refused(albums: np.ndarray, complaint: str) -> None:
    with pytest.raises(TooLittleData, match=complaint):
        corpus(albums, np.full(len(albums), -1))


def test_fitting_is_refused_where_one_artist_joins_everything() -> None:
    joined = corpus(ALBUMS, np.zeros(12, dtype=np.int64))
    vectors = one_direction_an_album()
    with pytest.raises(TooLittleData, match="connected by their artists"):
        measure_system(joined, vectors, {}, fit_half_whitening, seed=1)
    assert measure_system(joined, vectors, {}, None, seed=1).values["map"][0] == 1.0
