from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation import summaries
from soundalike.research.evaluation.bootstrap import Estimate, resample
from soundalike.research.evaluation.errors import TooLittleData


def test_whole_albums_are_drawn() -> None:
    # Of two albums, one all 0 and one all 1, a resample holds 0, 1 or both halves: never anything between.
    drawn = resample(np.repeat([0.0, 1.0], 50), np.repeat([0, 1], 50), summaries.mean, seed=1, resamples=500)
    assert drawn.value == 0.5
    assert set(drawn.values.tolist()) == {0.0, 0.5, 1.0}
    assert (drawn.estimate().low, drawn.estimate().high) == (0.0, 1.0)


def test_the_interval_is_that_of_the_mean_of_independent_albums() -> None:
    random = np.random.default_rng(5)
    values = random.standard_normal(400)
    estimate = resample(values, np.arange(400), summaries.mean, seed=2, resamples=4000).estimate()
    expected = 1.96 * values.std() / 20
    assert estimate.high - estimate.value == pytest.approx(expected, rel=0.1)
    assert estimate.value - estimate.low == pytest.approx(expected, rel=0.1)


def test_albums_that_were_not_asked_are_not_drawn() -> None:
    values = np.array([np.nan, 1.0, 1.0, np.nan, 3.0, 3.0, np.nan])
    albums = np.array([0, 1, 1, 2, 3, 3, 4])
    drawn = resample(values, albums, summaries.mean, seed=1, resamples=200)
    assert drawn.value == 2.0
    assert set(drawn.values.tolist()) == {1.0, 2.0, 3.0}


def test_differences_are_taken_inside_the_same_resamples() -> None:
    random = np.random.default_rng(3)
    albums = np.repeat(np.arange(10), 4)
    worse = random.random(40)
    better = resample(worse + 0.1, albums, summaries.mean, seed=4, resamples=300)
    difference = better.minus(resample(worse, albums, summaries.mean, seed=4, resamples=300))
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.1, 0.1, 0.1))
    assert difference.excludes_zero()
    assert better.estimate().high - better.estimate().low > 0.05


def test_a_seed_gives_the_same_interval_again_and_another_seed_another() -> None:
    values, albums = np.random.default_rng(0).random(30), np.repeat(np.arange(10), 3)
    first, again, other = (resample(values, albums, summaries.mean, seed=seed).estimate() for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_numbers_about_other_tracks_cannot_be_compared() -> None:
    albums = np.array([0, 1, 2])
    one = resample(np.array([1.0, 2.0, np.nan]), albums, summaries.mean, seed=1, resamples=50)
    other = resample(np.array([1.0, 2.0, 3.0]), albums, summaries.mean, seed=1, resamples=50)
    with pytest.raises(ValueError, match="same tracks"):
        one.minus(other)


def test_many_tracks_are_summarised_in_parts_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    values, albums = np.random.default_rng(0).random(60), np.repeat(np.arange(20), 3)
    whole = resample(values, albums, summaries.median, seed=7, resamples=100)
    monkeypatch.setattr("soundalike.research.evaluation.bootstrap._CHUNK_VALUES", 420)
    assert np.array_equal(resample(values, albums, summaries.median, seed=7, resamples=100).values, whole.values)


@pytest.mark.parametrize("values", [[1.0, 2.0, np.nan], [np.nan] * 3])
def test_fewer_than_two_albums_are_refused(values: list[float]) -> None:
    with pytest.raises(TooLittleData, match="at least two"):
        resample(np.array(values), np.array([0, 0, 1]), summaries.mean, seed=1)


def test_an_interval_that_touches_zero_does_not_exclude_it() -> None:
    assert not Estimate(0.1, 0.0, 0.2).excludes_zero()
    assert Estimate(-0.1, -0.2, -0.05).excludes_zero()
