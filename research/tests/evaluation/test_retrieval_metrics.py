from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.metrics import average_precision, ndcg_at, precision_at


def relevance(*lists: str) -> np.ndarray:
    return np.array([[place == "x" for place in one] for one in lists])


def test_average_precision_by_hand() -> None:
    # x at 1 and 3: (1/1 + 2/3) / 2; x at 4: 1/4; x everywhere: 1.
    assert average_precision(relevance("x.x.", "...x", "xxxx")) == pytest.approx([5 / 6, 1 / 4, 1.0])


def test_precision_by_hand() -> None:
    lists = relevance("x.x...", ".xxx..", ".....x")
    assert precision_at(lists, 1).tolist() == [1.0, 0.0, 0.0]
    assert precision_at(lists, 5) == pytest.approx([2 / 5, 3 / 5, 0.0])


def test_precision_of_a_list_that_is_too_short_counts_misses() -> None:
    assert precision_at(relevance("xx"), 10) == pytest.approx([0.2])


def test_discounted_gain_by_hand() -> None:
    # Gains 1, 1/log2(3), 1/2, …; the best list of two relevant tracks has 1 + 1/log2(3).
    best = 1 + 1 / np.log2(3)
    assert ndcg_at(relevance("x.x.", "xx..", "..xx"), 10) == pytest.approx(
        [1.5 / best, 1.0, (0.5 + 1 / np.log2(5)) / best]
    )


def test_discounted_gain_knows_that_no_list_of_ten_holds_eleven() -> None:
    assert ndcg_at(relevance("x" * 10 + ".x"), 10) == pytest.approx([1.0])


def test_discounted_gain_looks_at_the_first_k_only() -> None:
    assert ndcg_at(relevance("...x"), 3).tolist() == [0.0]


def test_a_query_without_relevant_tracks_is_refused() -> None:
    for metric in (average_precision, lambda lists: precision_at(lists, 1), lambda lists: ndcg_at(lists, 10)):
        with pytest.raises(TooLittleData, match="without a relevant track"):
            metric(relevance("x...", "...."))
        with pytest.raises(TooLittleData):
            metric(np.empty((0, 4), dtype=bool))


def test_a_list_without_places_is_refused() -> None:
    for metric in (precision_at, ndcg_at):
        with pytest.raises(ValueError, match="at least one place"):
            metric(relevance("x"), 0)


def test_a_relevant_track_that_moves_up_helps_every_metric() -> None:
    lists = [relevance("." * place + "x" + "." * (5 - place)) for place in range(6)]
    for metric in (average_precision, lambda one: ndcg_at(one, 10)):
        scores = [metric(one)[0] for one in lists]
        assert all(earlier > later for earlier, later in pairwise(scores))
