from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.errors import TooLittleData
from soundalike.research.evaluation.hubness import occurrences


def test_occurrences_by_hand() -> None:
    assert occurrences(np.array([[1, 2], [0, 2], [0, 1], [1, 2]]), 5).tolist() == [2, 3, 3, 0, 0]


def test_lists_that_cannot_be_are_refused() -> None:
    with pytest.raises(TooLittleData, match="no lists"):
        occurrences(np.empty((0, 10), dtype=np.int64), 3)
    for list_ in ([[0, 3]], [[-1, 0]]):
        with pytest.raises(ValueError, match="does not exist"):
            occurrences(np.array(list_), 3)
