from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from features.embedding_projection import EmbeddingProjection
from indexer.building import build, fit, version_name
from indexer.errors import RecallTooLow
from indexer.gathering import Gathered
from space.building import BuildParameters
from space.version import IndexVersion

from .conftest import track_of, vector_of

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, 0, 5, 123456, tzinfo=UTC)
VECTORS = np.array([vector_of(number) for number in range(400)])
GATHERED = Gathered("m1-fixed", 42, [track_of(number).urn for number in range(400)], VECTORS)


def test_builds_a_version_that_can_be_opened_and_finds(tmp_path: Path) -> None:
    manifest = build(GATHERED, tmp_path, NOW, BuildParameters(trees=8), fit_rows=1000)
    assert (manifest.version, manifest.model, manifest.up_to_seq) == (version_name(NOW, 42), "m1-fixed", 42)
    assert manifest.dimensions == 128
    with IndexVersion.open(tmp_path) as version:
        matches = version.search(version.projection.apply(VECTORS[8:9])[0], 11)
    assert matches[0].urn == track_of(8).urn
    assert {(int(match.urn.rpartition(":")[2]) - 100) % 8 for match in matches} == {0}


def test_refuses_an_index_that_finds_too_little(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(2000, 160)).astype(np.float32)
    gathered = Gathered("m1-fixed", 42, [track_of(number).urn for number in range(2000)], noise)
    poor = BuildParameters(trees=1, search_k=1, doublings=0)
    with pytest.raises(RecallTooLow, match=r"below 0\.98, even with search_k 1; raise INDEX_TREES \(now 1\)"):
        build(gathered, tmp_path, NOW, poor, fit_rows=1000)
    bar_lower = replace(poor, recall_goal=0.05)
    assert 0.05 <= build(gathered, tmp_path, NOW, bar_lower, fit_rows=1000).recall_at_10 < 0.98


@pytest.mark.parametrize(("count", "dimensions"), [(1, 160), (31, 160), (32, 128), (400, 128)])
def test_few_tracks_are_not_fitted_on(count: int, dimensions: int) -> None:
    assert fit(VECTORS[:count], rows=1000, seed=1).dimensions == dimensions


def test_many_tracks_are_fitted_on_a_sample_of_them() -> None:
    sampled, again, whole = (fit(VECTORS, rows=rows, seed=1) for rows in (100, 100, 400))
    np.testing.assert_array_equal(sampled.mean, again.mean)
    assert not np.array_equal(sampled.mean, whole.mean)
    np.testing.assert_array_equal(whole.mean, EmbeddingProjection().fit(VECTORS).projection_.mean)
    assert np.abs(sampled.mean - whole.mean).max() < 0.5


def test_names_sort_by_time() -> None:
    assert version_name(NOW, 42) == "20261121T120005.123Z-000000000042"
    later = [NOW.replace(microsecond=900_000), NOW.replace(second=30), NOW.replace(hour=23), NOW.replace(month=12)]
    names = [version_name(moment, 42) for moment in (NOW, *later)]
    assert names == sorted(names)
