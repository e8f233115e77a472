from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.api.tail import Tail
from soundalike.db.embeddings import StoredVector
from soundalike.similarity.errors import InvalidVectors
from soundalike.similarity.projection import Projection

DIMENSIONS = 6


def stored(seq: int, urn: str, *vector: float) -> StoredVector:
    return StoredVector(seq, urn, np.resize(np.float32(vector), DIMENSIONS))


def random_vectors(count: int, start: int = 1) -> list[StoredVector]:
    rng = np.random.default_rng(start)
    return [
        StoredVector(seq, f"file:track:{seq:064x}", rng.standard_normal(DIMENSIONS).astype(np.float32))
        for seq in range(start, start + count)
    ]


def tail_of(*written: StoredVector) -> Tail:
    tail = Tail(Projection.identity(DIMENSIONS), after_seq=0)
    tail.extend(written)
    return tail


def test_an_empty_tail_finds_nothing() -> None:
    view = Tail(Projection.identity(DIMENSIONS), after_seq=7).view()
    assert view.search(np.ones(DIMENSIONS, np.float32), 5) == []
    assert len(view) == 0
    assert "a" not in view


@given(st.integers(1, 700), st.integers(1, 20))
def test_it_finds_what_a_plain_scan_finds(count: int, k: int) -> None:
    written = random_vectors(count)
    vectors = np.stack([each.vector for each in written])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = vectors[count // 2]
    results = tail_of(*written).view().search(query, k)
    expected = np.sort(vectors @ query)[::-1][:k]
    np.testing.assert_allclose([match.cosine for match in results], expected, atol=1e-6)
    assert results[0].urn == written[count // 2].urn


def test_a_track_that_is_extracted_again_counts_once_with_its_newest_vector() -> None:
    tail = tail_of(stored(1, "a", 1, 0), stored(2, "b", 0, 1), stored(3, "a", 0, 1), stored(4, "a", -1, 0))
    results = tail.view().search(Projection.identity(DIMENSIONS).apply([stored(0, "q", 1, 0).vector])[0], 10)
    assert [match.urn for match in results] == ["b", "a"]
    assert results[1].cosine == pytest.approx(-1)
    assert len(tail.view()) == 2
    assert tail.last_seq == 4


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=300), min_size=1, max_size=8))
def test_views_stay_as_they_were_while_the_tail_grows(batches: list[list[int]]) -> None:
    tail = Tail(Projection.identity(DIMENSIONS), after_seq=0)
    rng = np.random.default_rng(0)
    query = np.eye(DIMENSIONS, dtype=np.float32)[0]
    newest: dict[str, np.ndarray] = {}  # type: ignore[type-arg]
    seen = []
    seq = 0
    for batch in batches:
        written = []
        for number in batch:
            seq += 1
            vector = rng.standard_normal(DIMENSIONS).astype(np.float32)
            newest[str(number)] = vector / np.linalg.norm(vector)
            written.append(StoredVector(seq, str(number), vector))
        tail.extend(written)
        expected = {urn: float(vector @ query) for urn, vector in newest.items()}
        seen.append((tail.view(), expected))
    for view, expected in seen:
        results = dict(view.search(query, 1_000))
        assert results == pytest.approx(expected, abs=1e-6)
        assert len(view) == len(expected)
        assert all(str(number) in view for number in range(41) if str(number) in expected)
        assert not any(str(number) in view for number in range(41) if str(number) not in expected)


def test_a_batch_with_an_unusable_vector_changes_nothing() -> None:
    tail = tail_of(stored(1, "a", 1, 0))
    with pytest.raises(InvalidVectors):
        tail.extend([stored(2, "b", 1, 0), stored(3, "c", np.nan)])
    assert tail.last_seq == 1
    assert len(tail.view()) == 1


def test_the_centre_is_the_mean_of_the_projected_vectors() -> None:
    written = random_vectors(600)
    tail = Tail(Projection.identity(DIMENSIONS), after_seq=0)
    for start in range(0, 600, 37):
        tail.extend(written[start : start + 37])
    vectors = np.stack([each.vector / np.linalg.norm(each.vector) for each in written])
    np.testing.assert_allclose(tail.view().centre, vectors.mean(axis=0), atol=1e-6)


def test_a_forgotten_track_is_not_found_and_not_counted() -> None:
    tail = tail_of(stored(1, "a", 1, 0), stored(2, "b", 0, 1), stored(3, "c", -1, 0))
    before = tail.view()
    tail.forget(["b", "unknown"])
    after = tail.view()
    assert (len(before), len(after)) == (3, 2)
    query = np.resize(np.float32([0, 1]), DIMENSIONS)
    assert before.search(query, 5)[0].urn == "b"
    assert {match.urn for match in after.search(query, 5)} == {"a", "c"}
    assert [match.urn for match in after.search(query, 1)] == ["a"]
    tail.extend([stored(seq, f"later {seq}", 1, 1) for seq in range(4, 400)])
    assert "b" not in {match.urn for match in tail.view().search(query, 1_000)}


def test_rows_are_those_of_the_newest_write_that_a_view_holds() -> None:
    tail = tail_of(stored(1, "a", 1, 0), stored(2, "b", 0, 1))
    before = tail.view()
    tail.extend([stored(3, "a", 0, 1), stored(4, "c", 1, 1)])
    assert before.rows_of(["a", "b", "c"]).tolist() == [0, 1, -1]
    assert tail.view().rows_of(["c", "a", "b", "?"]).tolist() == [3, 2, 1, -1]
