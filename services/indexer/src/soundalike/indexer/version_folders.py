"""The folders of versions in the bucket: uploaded, and deleted once newer versions have replaced them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from soundalike.storage.artifacts.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from soundalike.storage.artifacts.manifest import VersionManifest
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)


def timestamp(built_at: datetime) -> str:
    """Format a time so that names sort by it and it can be part of a key: `20261121T120000.123Z`."""
    return f"{built_at:%Y%m%dT%H%M%S}.{built_at.microsecond // 1000:03d}Z"


async def upload(store: ObjectStore, prefix: str, directory: Path, manifest: VersionManifest) -> None:
    """Upload the files of the version in `directory`, the manifest last; raises `StoreUnavailable`."""
    for name in manifest.all_files():
        log.info("uploading %s, %.0f MB", name, (directory / name).stat().st_size / 1e6)
        await store.upload(prefix + name, directory / name)


async def list_keys(store: ObjectStore, prefix: str) -> dict[str, list[str]]:
    """Return the keys below `prefix` by version; raises `StoreUnavailable`."""
    stored: dict[str, list[str]] = {}
    async for summary in store.list(prefix):
        stored.setdefault(summary.key.removeprefix(prefix).partition("/")[0], []).append(summary.key)
    return stored


def outdated(stored: Mapping[str, list[str]], published: str, *, keep: int) -> dict[str, list[str]]:
    """Return, by version, those of the `stored` keys that are no longer needed.

    These are of versions older than the `keep` newest, and of crashed builds; never of the published one.
    """
    complete = sorted(name for name, keys in stored.items() if any(key.endswith(f"/{MANIFEST}") for key in keys))
    retained = {published, *complete[-keep:]}
    return {name: stored[name] for name in sorted(stored.keys() - retained)}


async def delete(store: ObjectStore, keys: Iterable[str]) -> None:
    """Delete files, a manifest before the others, so that no manifest lists files that are gone."""
    for key in sorted(keys, key=lambda key: not key.endswith(f"/{MANIFEST}")):
        await store.delete(key)
