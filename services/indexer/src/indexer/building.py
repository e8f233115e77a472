"""Turning what was gathered into the files of a version that may be published."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import numpy as np

from features.embedding_projection import EmbeddingProjection
from features.projection import Projection
from features.shipped import shipped_projection
from indexer.errors import RecallTooLow
from space.building import VersionName, build_version

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from indexer.gathering import Gathered
    from space.building import BuildParameters
    from space.manifest import Manifest

log = logging.getLogger(__name__)

_FEWEST_TO_FIT: Final = 32
"""With fewer tracks the raw vectors rank newcomers better than any fit (measured on game soundtracks)."""


def build(
    gathered: Gathered, directory: Path, built_at: datetime, parameters: BuildParameters, *, fit_rows: int
) -> Manifest:
    """Fit, project, index and measure; returns the manifest of the version in `directory`.

    Raises `RecallTooLow` below `parameters.recall_goal`. Takes seconds to minutes of CPU: run it in a thread.
    """
    log.info("building an index of %d vectors of %s", len(gathered.urns), gathered.model)
    name = VersionName(version_name(built_at, gathered.up_to_seq), gathered.model, gathered.up_to_seq, built_at)
    projection = shipped_projection(gathered.model) or fit(gathered.vectors, rows=fit_rows, seed=parameters.seed)
    manifest = build_version(directory, name, gathered.vectors, gathered.urns, projection, parameters)
    log.info(
        "built %s: %d vectors in %d dimensions, %d trees, search_k %d, recall@10 %.4f",
        manifest.version, manifest.count, manifest.dimensions, manifest.trees, manifest.search_k, manifest.recall_at_10,
    )  # fmt: skip
    if manifest.recall_at_10 < parameters.recall_goal:
        raise RecallTooLow(
            f"recall@10 is {manifest.recall_at_10:.4f}, below {parameters.recall_goal}, even with search_k "
            f"{manifest.search_k}; raise INDEX_TREES (now {manifest.trees}) or INDEX_SEARCH_K"
        )
    return manifest


def fit(vectors: NDArray[np.float32], *, rows: int, seed: int) -> Projection:
    """Fit the projection on `vectors` [n, D], on a random sample of `rows` of them where there are more."""
    count, dimensions = vectors.shape
    if count < _FEWEST_TO_FIT:
        return Projection.identity(dimensions)
    if count > rows:
        chosen = np.random.default_rng(seed).choice(count, size=rows, replace=False, shuffle=False)
        vectors = vectors[np.sort(chosen)]
    fitted: Projection = EmbeddingProjection().fit(vectors).projection_
    return fitted


def version_name(built_at: datetime, up_to_seq: int) -> str:
    """Name a version so that names sort by time and can stand in a key: `20261121T120000.123Z-000000000042`."""
    return f"{built_at:%Y%m%dT%H%M%S}.{built_at.microsecond // 1000:03d}Z-{up_to_seq:012d}"
