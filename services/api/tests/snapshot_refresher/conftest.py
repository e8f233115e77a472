from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.api.index_cache import IndexCache
from soundalike.api.snapshot_refresher import SnapshotRefresher
from soundalike.api.vector_source import MemorySource
from soundalike.db.embeddings import StoredVector
from soundalike.db.models import EmbeddingModel

from ..conftest import CountingStore, upload_version, urn, vector

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.similarity.projection import Projection

SMALL = 8
FIRST = EmbeddingModel("first", SMALL)
SECOND = EmbeddingModel("second", SMALL)


def stored_vectors(start: int, end: int) -> list[StoredVector]:
    return [StoredVector(seq, urn(seq), vector(seq, SMALL)) for seq in range(start, end)]


class Scene:
    """A follower of a catalogue and a bucket in memory; time stands still until it is moved."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = 0.0
        self.store = CountingStore()
        self.source = MemorySource(model=FIRST, vectors={"first": stored_vectors(1, 31)})
        self.refresher = self.new_refresher()

    @property
    def cached(self) -> set[str]:
        return {path.name for path in (self.directory / "cache").glob("indexes/*")}

    def new_refresher(self) -> SnapshotRefresher:
        cache = IndexCache(self.directory / "cache", self.store)
        return SnapshotRefresher(cache, retry_interval_s=30.0, clock=lambda: self.now)

    async def publish(
        self,
        name: str,
        up_to: int,
        model: EmbeddingModel = FIRST,
        *,
        projection: Projection | None = None,
        leave_out: str = "",
    ) -> IndexVersionRecord:
        covered = [each for each in self.source.vectors[model.model] if each.seq <= up_to]
        version = await upload_version(
            self.store, self.directory / name, name, model, covered, projection=projection, leave_out=leave_out
        )
        self.source.versions[model.model] = version
        return version

    async def refresh(self) -> tuple[str | None, int, int]:
        await self.refresher.refresh(self.source)
        snapshot = self.refresher.snapshot
        assert snapshot is not None
        return snapshot.version_name, snapshot.indexed, len(snapshot.tail)

    def search(self, query: NDArray[np.float32], k: int = 1_000) -> dict[str, float]:
        snapshot = self.refresher.snapshot
        assert snapshot is not None
        matches = snapshot.search(snapshot.project(query[np.newaxis])[0], k)
        assert len({match.urn for match in matches}) == len(matches)
        return {match.urn: match.cosine for match in matches}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)
