from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.ranking import cosines, order_others, self_ranks


def test_cosines_of_hand_made_vectors() -> None:
    result = cosines(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0], [1.0, 1.0], [-3.0, 0.0], [0.0, 0.0]]))
    assert result[0] == pytest.approx([1.0, np.sqrt(0.5), -1.0, 0.0])


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(TooLittleData, match="not finite"):
        cosines(np.array([[np.nan, 1.0]]), np.array([[1.0, 0.0]]))


def test_the_query_itself_is_left_out_wherever_it_ranks() -> None:
    similarities = np.array([[0.9, 0.1, 0.5], [0.9, 0.1, 0.5]])
    order = order_others(similarities, np.array([0, 1]), np.arange(3))
    assert order.tolist() == [[2, 1], [0, 2]]


def test_ties_are_listed_in_the_given_order() -> None:
    similarities = np.array([[1.0, 0.5, 0.7, 0.5, 0.5]])
    assert order_others(similarities, np.array([0]), np.arange(5)).tolist() == [[2, 1, 3, 4]]
    assert order_others(similarities, np.array([0]), np.array([4, 2, 3, 0, 1])).tolist() == [[2, 4, 3, 1]]


def test_rounding_noise_makes_no_order() -> None:
    track = np.array([0.1, 0.2, 0.3])
    result = cosines(track[np.newaxis], np.stack([track, 3 * track, track / 7]))
    assert len(set(result[0].tolist())) == 1


def test_a_tie_order_that_is_no_permutation_is_refused() -> None:
    with pytest.raises(ValueError, match="permutation"):
        order_others(np.zeros((1, 3)), np.array([0]), np.array([0, 0, 1]))


def test_one_track_alone_is_refused() -> None:
    with pytest.raises(TooLittleData, match="single track"):
        order_others(np.zeros((1, 1)), np.array([0]), np.array([0]))


def test_ties_count_against_ones_own_rank() -> None:
    similarities = np.array([[0.9, 0.2, 0.3], [0.9, 0.9, 0.3], [0.5, 0.5, 0.5]])
    assert self_ranks(similarities, np.array([0, 0, 0])).tolist() == [1, 2, 3]
    assert self_ranks(similarities, np.array([1, 2, 1])).tolist() == [3, 3, 3]
