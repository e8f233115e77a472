"""Index versions on the local disk, mapped into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.api.artifact_cache import ArtifactCache, PublishedArtifact
from soundalike.api.errors import InvalidVersion
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.index.version import IndexVersion

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.models import EmbeddingModel
    from soundalike.storage.object_store import ObjectStore


class IndexCache:
    """The copies of index versions, below `root`/indexes so that nothing else is ever removed."""

    def __init__(self, root: Path, store: ObjectStore) -> None:
        self._artifacts = ArtifactCache(root / "indexes", store, Manifest, "index version")

    async def open(self, version: IndexVersionRecord, model: EmbeddingModel) -> IndexVersion:
        """Map a published version into memory, fetching it from the bucket unless an intact copy is here.

        Raises `InvalidVersion` when what the bucket holds is not the version that was published, and
        `errors.StoreUnavailable` when the bucket does not answer.
        """
        manifest_fields = {"model": version.model, "up_to_seq": version.up_to_seq, "count": version.tracks}
        artifact = PublishedArtifact(version.version, version.location, version.manifest_sha256, manifest_fields)
        return await self._artifacts.open(artifact, lambda directory, digest: _load(directory, digest, model))

    async def keep_only(self, version: IndexVersionRecord | None) -> None:
        """Remove the versions that are no longer answered from; what is still mapped stays readable."""
        await self._artifacts.keep_only(version.version if version else None)


def _load(directory: Path, manifest_sha256: str, model: EmbeddingModel) -> IndexVersion:
    version = IndexVersion.open(directory, manifest_sha256)
    if version.projection.input_dimensions != model.dimensions:
        raise InvalidVersion(
            f"it takes vectors of {version.projection.input_dimensions} numbers, {model.model} gives {model.dimensions}"
        )
    return version
