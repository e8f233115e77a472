from __future__ import annotations

import numpy as np
import pytest

from soundalike.similarity.index.usearch import locality_order

from .conftest import clustered


@pytest.mark.parametrize("count", [1, 2, 3, 5_000])
def test_every_row_is_added_once(count: int) -> None:
    order = locality_order(clustered(count))
    assert sorted(order.tolist()) == list(range(count))
    np.testing.assert_array_equal(locality_order(clustered(count)), order)


def test_near_rows_are_added_after_each_other() -> None:
    vectors = clustered(5_000)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def nearness(rows: np.ndarray) -> float:
        return float((unit[rows[1:]] * unit[rows[:-1]]).sum(axis=1).mean())

    assert nearness(locality_order(vectors)) > nearness(np.arange(len(vectors))) + 0.3


def test_vectors_without_direction_are_added_too() -> None:
    assert sorted(locality_order(np.zeros((40, 8), np.float32)).tolist()) == list(range(40))
