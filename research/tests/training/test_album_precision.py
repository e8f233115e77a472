import numpy as np
import pytest

from soundalike.research.training.album_precision import average_precisions, mean_of_albums, mean_precision


def test_average_precision_by_hand() -> None:
    angles = np.radians([0.0, 10.0, 25.0, 60.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    albums = np.array(["x", "y", "x", "x"])
    # From 0°: y, x, x → (1/2 + 2/3) / 2; from 25°: y (15°), x (25°), x (35°); from 60°: x (35°), y, x.
    expected = [(1 / 2 + 2 / 3) / 2, np.nan, (1 / 2 + 2 / 3) / 2, (1 + 2 / 3) / 2]
    np.testing.assert_allclose(average_precisions(vectors, albums), expected)


def test_length_of_vectors_does_not_matter() -> None:
    random = np.random.default_rng(0)
    vectors, albums = random.normal(size=(20, 6)), np.array(list("abcd") * 5)
    scaled = vectors * random.uniform(0.1, 9.0, size=(20, 1))
    np.testing.assert_allclose(average_precisions(vectors, albums), average_precisions(scaled, albums))


def test_means_and_intervals() -> None:
    precisions = np.array([1.0, 1.0, 1.0, 0.0, np.nan])
    albums = np.array(["a", "a", "a", "b", "c"])
    over_tracks, over_albums = mean_precision(precisions, albums), mean_of_albums(precisions, albums)
    assert over_tracks.value == pytest.approx(0.75)
    assert over_albums.value == pytest.approx(0.5)
    # Two albums: a quarter of the draws is a twice, a quarter b twice, so the interval is everything.
    assert (over_tracks.low, over_tracks.high) == (0.0, 1.0)


def test_a_difference_that_every_album_shows_has_an_interval_without_zero() -> None:
    albums = np.repeat(np.array(list("abcdefgh")), 5)
    gain = mean_precision(np.random.default_rng(0).uniform(0.01, 0.05, size=40), albums)
    assert 0.0 < gain.low < gain.value < gain.high
