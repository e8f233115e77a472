from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.indexer.errors import RecallTooLow
from soundalike.indexer.export import VectorExport
from soundalike.indexer.version_build import build, version_name
from soundalike.similarity.index.builder import BuildParameters
from soundalike.similarity.index.version import IndexVersion
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of
from soundalike.transformers.embedding_projection import EmbeddingProjection

from .conftest import track_of, vector_of

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 12, 0, 5, 123456, tzinfo=UTC)
VECTORS = np.array([vector_of(number) for number in range(400)])
PROJECTION = EmbeddingProjection().fit(VECTORS).projection_


def names_of(count: int) -> np.ndarray:
    """Names as the database sends them: padded with blanks."""
    return np.array([track_of(number).urn.ljust(40).encode() for number in range(count)])


EXPORT = VectorExport("m1-fixed", 42, names_of(400), VECTORS)


def test_builds_a_version_that_can_be_opened_and_searched(tmp_path: Path) -> None:
    manifest = build(EXPORT, PROJECTION, tmp_path, NOW, BuildParameters(trees=8))
    assert (manifest.version, manifest.model, manifest.up_to_seq) == (version_name(NOW, 42), "m1-fixed", 42)
    assert manifest.dimensions == 128
    with IndexVersion.open(tmp_path, sha256_of(tmp_path / MANIFEST)) as version:
        matches = version.search(version.projection.apply(VECTORS[8:9])[0], 11)
    assert matches[0].urn == track_of(8).urn
    assert {(int(match.urn.rpartition(":")[2]) - 100) % 8 for match in matches} == {0}


def test_refuses_an_index_with_too_low_a_recall(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(2000, 160)).astype(np.float32)
    export = VectorExport("m1-fixed", 42, names_of(2000), noise)
    poor = BuildParameters(trees=1, effort=1, doublings=0)
    with pytest.raises(RecallTooLow, match=r"below 0\.98, even with an effort of 1; raise INDEX_TREES \(now 1\)"):
        build(export, PROJECTION, tmp_path / "poor", NOW, poor)
    lower_goal = replace(poor, recall_goal=0.05)
    assert 0.05 <= build(export, PROJECTION, tmp_path / "low", NOW, lower_goal).recall_at_10 < 0.98


def test_names_sort_by_time() -> None:
    assert version_name(NOW, 42) == "20261121T120005.123Z-000000000042"
    later = [NOW.replace(microsecond=900_000), NOW.replace(second=30), NOW.replace(hour=23), NOW.replace(month=12)]
    names = [version_name(moment, 42) for moment in (NOW, *later)]
    assert names == sorted(names)
