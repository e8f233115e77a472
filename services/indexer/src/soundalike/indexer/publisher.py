"""Publishes built versions, and goes back to earlier ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from soundalike.db import index_versions
from soundalike.db.index_versions import IndexVersionRecord, VersionState
from soundalike.indexer import version_folders
from soundalike.indexer.errors import NoSuchVersion
from soundalike.similarity.index.manifest import Manifest
from soundalike.storage.artifacts.errors import ArtifactError
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of
from soundalike.storage.object_keys import INDEXES, index_prefix
from soundalike.storage.stored_version import StoredVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soundalike.db.database import Connection, Executor
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

_PARAMETERS = {
    "format",
    "dimensions",
    "search_dimensions",
    "engine",
    "engine_version",
    "parameters",
    "effort",
    "seed",
}


async def upload(
    db: Executor, store: ObjectStore, manifest: Manifest, directory: Path, extra_parameters: Mapping[str, Any]
) -> IndexVersionRecord:
    """Upload the files of a version, the manifest last, and record it; `extra_parameters` join its parameters.

    Nothing reads it before it is published. Raises `StoreUnavailable`.
    """
    prefix = index_prefix(manifest.model, manifest.version)
    await version_folders.upload(store, prefix, directory, manifest)
    version = IndexVersionRecord(
        version=manifest.version,
        model=manifest.model,
        up_to_seq=manifest.up_to_seq,
        tracks=manifest.count,
        parameters={**manifest.model_dump(mode="json", include=_PARAMETERS), **extra_parameters},
        recall_at_10=manifest.recall_at_10,
        location=prefix,
        manifest_sha256=sha256_of(directory / MANIFEST),
    )
    await index_versions.add(db, version)
    return version


async def publish(
    connection: Connection, store: ObjectStore, version: IndexVersionRecord, *, pinned: bool = False
) -> None:
    """Flip to a version whose files are in the bucket; `pinned` keeps automatic builds from taking its place.

    Raises `NoSuchVersion` where a file is missing or has another size, or the manifest is another one than was built,
    and `StoreUnavailable`.
    """
    await _ensure_whole(store, version)
    before = await index_versions.get_published(connection, version.model)
    if not await index_versions.publish(connection, version, pinned=pinned):
        raise NoSuchVersion(f"the files of version {version.version} were deleted")
    if before is not None and before.pinned and not pinned:
        log.info("automatic builds continue: %s is no longer pinned", before.version)
    log.info("published %s (%d tracks, changes up to number %d)", version.version, version.tracks, version.up_to_seq)


def find_version(versions: Sequence[IndexVersionRecord], name: str | None) -> IndexVersionRecord:
    """Return the version of that name, or the newest one; raises `NoSuchVersion`."""
    available = [version for version in versions if version.state is not VersionState.DELETED]
    if name is None and available:
        return max(available, key=lambda version: version.version)
    for version in available:
        if version.version == name:
            return version
    if any(version.version == name for version in versions):
        raise NoSuchVersion(f"the files of version {name} were deleted; run `index list` to see the available versions")
    raise NoSuchVersion(
        f"there is no version {name}; run `index list` to see the available versions"
        if name
        else "no version was built yet"
    )


def previous_version(versions: Sequence[IndexVersionRecord]) -> IndexVersionRecord:
    """Return the version that was published before the current one; raises `NoSuchVersion`."""
    published = next((version for version in versions if version.state is VersionState.PUBLISHED), None)
    older = [
        version
        for version in versions
        if version.state is VersionState.RETIRED and (published is None or version.version < published.version)
    ]
    if not older:
        raise NoSuchVersion("there is no older version whose files still exist")
    return max(older, key=lambda version: version.version)


async def prune(db: Executor, store: ObjectStore, published: IndexVersionRecord, *, keep: int) -> int:
    """Delete the files of versions older than the `keep` newest, and those of crashed builds; returns how many.

    The published version stays in any case, and so does every version of another model, to which the catalogue may
    return. The rows are marked first, and so are those whose files the bucket has lost: no row refers to files that are
    gone.
    """
    stored = await version_folders.list_keys(store, f"{INDEXES}{published.model}/")
    old = version_folders.outdated(stored, published.version, keep=keep)
    lost = [
        version.version
        for version in await index_versions.list_versions(db, published.model)
        if version.state is not VersionState.DELETED and version.version not in stored
    ]
    await index_versions.mark_deleted(db, published.model, [*old, *lost])
    for name, keys in old.items():
        await version_folders.delete(store, keys)
        log.info("deleted the files of old version %s", name)
    return len(old)


async def _ensure_whole(store: ObjectStore, version: IndexVersionRecord) -> None:
    try:
        await StoredVersion(store, version.location, Manifest, version.manifest_sha256).check_sizes()
    except ArtifactError as error:
        raise NoSuchVersion(f"version {version.version} cannot be published: {error}") from error
