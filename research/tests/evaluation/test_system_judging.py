from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.corpus import Labels
from soundalike.research.evaluation.errors import NothingToJudge
from soundalike.research.evaluation.projection_fit import Space, Training, half_whitened
from soundalike.research.evaluation.system_scores import Corpus, judge

ALBUMS = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
ARTISTS = np.array([0, 0, 0, 0, -1, 0, 1, 1, -1, 2, 2, -1])


def corpus(albums: np.ndarray = ALBUMS, artists: np.ndarray = ARTISTS) -> Corpus:
    return Corpus.of(Labels(albums, artists, np.arange(len(albums))))


def one_direction_an_album(albums: np.ndarray = ALBUMS) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((len(albums), 8)) * 0.01
    return np.eye(8)[albums] + noise


def test_a_system_that_knows_albums_finds_them() -> None:
    vectors = one_direction_an_album()
    found = judge(corpus(), vectors, {}, None, seed=1).values
    expected = np.where(ALBUMS < 3, 1.0, np.nan)
    assert np.array_equal(found["map"], expected, equal_nan=True)
    assert np.array_equal(found["p_at_1"], expected, equal_nan=True)
    assert found["p_at_10"] == pytest.approx(expected * 0.2, nan_ok=True)
    assert np.array_equal(found["ndcg_at_10"], expected, equal_nan=True)


def test_ranks_by_hand() -> None:
    # On a line: each track's angle. Track 0 sees 1 (other album), then 2 and 3 of its own: AP (1/2 + 2/3) / 2.
    angles = np.radians([0, 1, 3, 7, 20, 22, *range(100, 106)])
    albums = np.array([0, 1, 0, 0, 1, 1, *range(2, 8)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = judge(corpus(albums, np.full(12, -1)), vectors, {}, None, seed=1).values
    assert found["map"][0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    # Track 1 (1°) sees 0, 2, 3 of the other album, then 4 and 5: (1/4 + 2/5) / 2.
    assert found["map"][1] == pytest.approx((1 / 4 + 2 / 5) / 2)
    assert found["p_at_5"][1] == pytest.approx(2 / 5)
    assert np.isnan(found["map"][6:]).all()
    assert np.isnan(found["map_artist"]).all()


def test_artists_are_asked_for_across_albums() -> None:
    found = judge(corpus(), one_direction_an_album(), {}, None, seed=1).values
    assert np.flatnonzero(~np.isnan(found["map_artist"])).tolist() == [0, 1, 2, 3, 5]
    assert found["map_artist"][:3].mean() < 1.0


def test_changed_versions_find_their_originals_and_missing_ones_are_not_asked() -> None:
    vectors = one_direction_an_album()
    changed, broken = vectors * 3, np.full_like(vectors, 0.0)
    changed[4] = np.nan
    found = judge(corpus(), vectors, {"same": changed, "deaf": broken}, None, seed=1).values
    assert np.array_equal(found["same_rank"], np.where(np.arange(12) == 4, np.nan, 1.0), equal_nan=True)
    assert found["same_first"][0] == 1.0
    assert np.isnan(found["same_first"][4])
    assert found["deaf_rank"].tolist() == [12.0] * 12
    assert found["deaf_first"].tolist() == [0.0] * 12


def test_nobody_is_recommended_to_themselves_and_every_list_is_counted() -> None:
    found = judge(corpus(), one_direction_an_album(), {}, None, seed=1).values
    # Twelve lists of ten out of eleven others.
    assert found["n10_skewness"].sum() == 120
    assert found["n10_skewness"].max() <= 11
    assert np.array_equal(found["never_recommended"] + found["coverage_at_10"], np.ones(12))


def test_what_is_fitted_never_saw_the_album_or_the_artist_it_is_judged_on() -> None:
    # The first number of each vector is the track's own.
    vectors = np.column_stack([np.arange(12.0), one_direction_an_album()])
    fitted: list[set[int]] = []
    placed: list[set[int]] = []

    def fit(training: Training, seed: int) -> Space:
        fitted.append(set(training.vectors[:, 0].astype(int).tolist()))

        def place(given: np.ndarray) -> np.ndarray:
            if len(given) < 12:
                placed.append(set(given[:, 0].astype(int).tolist()))
            return given[:, 1:]

        return Space(place, note="chosen")

    judgement = judge(corpus(), vectors, {"same": vectors}, fit, seed=3)
    assert len(fitted) == len(placed) > 1
    for training, judged in zip(fitted, placed, strict=True):
        seen, asked = sorted(training), sorted(judged)
        assert not set(ALBUMS[seen]) & set(ALBUMS[asked])
        assert not (set(ARTISTS[seen]) & set(ARTISTS[asked])) - {-1}
        assert training | judged == set(range(12))
    assert sorted(track for judged in placed for track in judged) == list(range(12))
    assert judgement.notes == ("chosen",) * len(fitted)


def test_half_whitening_finds_what_a_loud_common_direction_hides() -> None:
    random = np.random.default_rng(2)
    albums = np.repeat(np.arange(20), 4)
    style = random.standard_normal((20, 10))[albums]
    vectors = style + 0.5 * random.standard_normal(style.shape)
    vectors[:, 0] = 20 * random.standard_normal(len(albums))
    asked = corpus(albums, np.full(len(albums), -1))
    raw = judge(asked, vectors, {}, None, seed=1).values["map"].mean()
    projected = judge(asked, vectors, {}, half_whitened, seed=1).values["map"].mean()
    assert projected > raw + 0.2


def test_many_queries_are_judged_block_by_block_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).standard_normal((12, 5))
    whole = judge(corpus(), vectors, {"same": vectors}, half_whitened, seed=1).values
    monkeypatch.setattr("soundalike.research.evaluation.system_scores._BLOCK_VALUES", 24)
    parts = judge(corpus(), vectors, {"same": vectors}, half_whitened, seed=1).values
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
    with pytest.raises(NothingToJudge, match=complaint):
        corpus(albums, np.full(len(albums), -1))


def test_fitting_is_refused_where_one_artist_joins_everything() -> None:
    joined = corpus(ALBUMS, np.zeros(12, dtype=np.int64))
    vectors = one_direction_an_album()
    with pytest.raises(NothingToJudge, match="hang together"):
        judge(joined, vectors, {}, half_whitened, seed=1)
    assert judge(joined, vectors, {}, None, seed=1).values["map"][0] == 1.0
