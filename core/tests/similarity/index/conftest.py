from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from soundalike.similarity.index.builder import BuildParameters, VersionIdentity, build_version
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.version import IndexVersion
from soundalike.similarity.projection import Projection
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of

NAME = VersionIdentity("20261121T120000Z-7", "m1-fixed", 7, datetime(2026, 11, 21, 12, tzinfo=UTC))


def open_version(directory: Path) -> IndexVersion:
    """Open a version whose manifest was published as it is now."""
    return IndexVersion.open(directory, sha256_of(directory / MANIFEST))


def clustered(count: int, dimensions: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, count // 20), dimensions))
    noise = 0.5 * rng.normal(size=(count, dimensions))
    return (centres[rng.integers(len(centres), size=count)] + noise).astype(np.float32)


def urns_of(count: int) -> list[str]:
    return [f"file:track:{row:08x}" for row in range(count)]


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[Path, Manifest]]:
    def build_one(count: int, folder: str = "version", **parameters: object) -> tuple[Path, Manifest]:
        directory = tmp_path / folder
        manifest = build_version(
            directory,
            NAME,
            clustered(count),
            urns_of(count),
            Projection.identity(24),
            replace(BuildParameters(trees=10, effort=500), **parameters),
        )
        return directory, manifest

    return build_one
