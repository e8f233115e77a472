from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.folds import divide, link


def same(groups: np.ndarray) -> list[list[int]]:
    return [np.flatnonzero(groups == group).tolist() for group in dict.fromkeys(groups.tolist())]


def test_albums_of_one_artist_hang_together() -> None:
    albums = np.array([0, 0, 1, 2, 3, 3])
    assert same(link(albums, np.array([5, 5, 6, 5, -1, 7]))) == [[0, 1, 3], [2], [4, 5]]


def test_albums_hang_together_by_others() -> None:
    # Album 0 and 2 share no artist, but both share one with album 1.
    assert same(link(np.array([0, 1, 1, 2, 3]), np.array([1, 1, 2, 2, 3]))) == [[0, 1, 2, 3], [4]]


def test_unknown_artists_join_nothing() -> None:
    assert same(link(np.array([4, 9, 4]), np.array([-1, -1, -1]))) == [[0, 2], [1]]


def test_no_group_is_in_two_folds_and_folds_are_even() -> None:
    groups = np.repeat(np.arange(12), [9, 7, 5, 5, 4, 3, 3, 2, 1, 1, 1, 1])
    folds = divide(groups, 3, seed=4)
    assert all(len(set(folds[groups == group])) == 1 for group in range(12))
    assert np.bincount(folds).tolist() == [14, 14, 14]


def test_folds_are_the_same_for_the_same_seed_only() -> None:
    groups = np.arange(40)
    assert np.array_equal(divide(groups, 4, seed=1), divide(groups, 4, seed=1))
    assert not np.array_equal(divide(groups, 4, seed=1), divide(groups, 4, seed=2))


def test_fewer_groups_than_folds_are_refused() -> None:
    with pytest.raises(TooLittleData, match="2 groups"):
        divide(np.array([0, 0, 1]), 3, seed=0)
    with pytest.raises(ValueError, match="two folds"):
        divide(np.array([0, 1]), 1, seed=0)
