from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from soundalike.research.evaluation import summaries

VALUES = np.array([1.0, 4.0, 2.0, 2.0, 7.0, 0.0])
ALBUM = np.array([0, 0, 1, 1, 1, 2])
ONES = np.ones((1, 3))
DRAWS = np.array([[1.0, 1, 1], [2, 0, 1], [0, 3, 0], [1, 1, 1]])


def repeated(draw: np.ndarray) -> np.ndarray:
    """What a resample is when it is written out."""
    return np.concatenate([np.tile(VALUES[album == ALBUM], int(count)) for album, count in enumerate(draw)])


def lower_median(values: np.ndarray) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


@pytest.mark.parametrize(
    ("summary", "plain"),
    [
        (summaries.mean, np.mean),
        (summaries.skewness, stats.skew),
        (summaries.largest, np.max),
        (summaries.median, lower_median),
    ],
)
def test_weights_do_what_repeating_the_tracks_does(summary: summaries.Summary, plain) -> None:
    expected = [plain(repeated(draw)) for draw in DRAWS]
    assert summary(VALUES, ALBUM, DRAWS) == pytest.approx(expected)


def test_mean_by_hand() -> None:
    assert summaries.mean(VALUES, ALBUM, ONES).tolist() == [pytest.approx(16 / 6)]


def test_albums_count_the_same_whatever_their_size() -> None:
    # Album means 2.5, 11/3 and 0.
    result = summaries.mean_of_clusters(VALUES, ALBUM, np.array([[1.0, 1, 1], [2, 0, 1]]))
    assert result == pytest.approx([(2.5 + 11 / 3) / 3, 5 / 3])


def test_skewness_by_hand() -> None:
    # Mean 1, variance (1 + 1 + 4) / 3 = 2, third moment (-1 - 1 + 8) / 3 = 2.
    result = summaries.skewness(np.array([0.0, 0.0, 3.0]), np.array([0, 1, 2]), ONES)
    assert result == pytest.approx([2 / 2**1.5])


def test_values_that_do_not_vary_are_not_skewed() -> None:
    assert summaries.skewness(np.full(6, 0.1), ALBUM, DRAWS).tolist() == [0.0] * 4
