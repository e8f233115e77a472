"""Builds the files of a version from an export, and checks their recall."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from soundalike.indexer.errors import RecallTooLow
from soundalike.indexer.version_folders import timestamp
from soundalike.similarity.index.builder import VersionIdentity, build_version

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from soundalike.indexer.export import VectorExport
    from soundalike.similarity.index.builder import BuildParameters
    from soundalike.similarity.index.manifest import Manifest
    from soundalike.similarity.projection import Projection

log = logging.getLogger(__name__)


def build(
    export: VectorExport, projection: Projection, directory: Path, built_at: datetime, parameters: BuildParameters
) -> Manifest:
    """Project, index and measure; returns the manifest of the version in `directory`.

    Raises `RecallTooLow` below `parameters.recall_goal`. Takes seconds to minutes of CPU: run it in a thread.
    """
    log.info("building an index of %d vectors of %s", len(export.names), export.model)
    identity = VersionIdentity(version_name(built_at, export.up_to_seq), export.model, export.up_to_seq, built_at)
    manifest = build_version(directory, identity, export.vectors, export.urns, projection, parameters)
    log.info(
        "built %s: %d vectors in %d dimensions, %s %s over %d of them, effort %d, recall@10 %.4f",
        manifest.version, manifest.count, manifest.dimensions, manifest.engine, manifest.parameters,
        manifest.search_dimensions, manifest.effort, manifest.recall_at_10,
    )  # fmt: skip
    if manifest.recall_at_10 < parameters.recall_goal:
        raise RecallTooLow(
            f"recall@10 is {manifest.recall_at_10:.4f}, below {parameters.recall_goal}, even with an effort of "
            f"{manifest.effort}; raise INDEX_TREES (now {parameters.trees}) or INDEX_SEARCH_DIMENSIONS (now "
            f"{manifest.search_dimensions})"
        )
    return manifest


def version_name(built_at: datetime, up_to_seq: int) -> str:
    """Return a name that sorts by time and can be part of a key: `20261121T120000.123Z-000000000042`."""
    return f"{timestamp(built_at)}-{up_to_seq:012d}"
