"""Making a built version the one that answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catalog import versions
from catalog.keys import INDEXES, index_prefix
from catalog.versions import Version
from space.files import ALL_FILES, MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.database import Connection
    from catalog.store import ObjectStore
    from space.manifest import Manifest

log = logging.getLogger(__name__)


async def publish(connection: Connection, store: ObjectStore, manifest: Manifest, directory: Path) -> Version:
    """Upload the files of a version, the manifest last, then flip to it in one transaction.

    Until the flip nobody looks at what was uploaded. Raises `StoreUnavailable`.
    """
    prefix = index_prefix(manifest.model, manifest.version)
    for name in ALL_FILES:
        await store.upload(prefix + name, directory / name)
    version = Version(
        version=manifest.version,
        model=manifest.model,
        up_to_seq=manifest.up_to_seq,
        tracks=manifest.count,
        parameters=manifest.model_dump(mode="json", include={"dimensions", "trees", "search_k", "seed", "annoy"}),
        recall_at_10=manifest.recall_at_10,
        location=prefix,
    )
    await versions.publish(connection, version)
    log.info("published %s (%d tracks, up to write %d)", version.version, version.tracks, version.up_to_seq)
    return version


async def prune(store: ObjectStore, published: Version, *, keep: int) -> int:
    """Delete the files of versions older than the `keep` newest, and what crashed builds left; returns how many.

    The published version stays in any case, and so does every version of another model: the catalogue may go back.
    A manifest goes first, so that none ever vouches for files that are gone.
    """
    prefix = f"{INDEXES}{published.model}/"
    stored: dict[str, list[str]] = {}
    async for summary in store.list(prefix):
        stored.setdefault(summary.key.removeprefix(prefix).partition("/")[0], []).append(summary.key)
    whole = sorted(name for name, keys in stored.items() if prefix + f"{name}/{MANIFEST}" in keys)
    kept = {published.version, *whole[-keep:]}
    pruned = sorted(stored.keys() - kept)
    for name in pruned:
        for key in sorted(stored[name], key=lambda key: not key.endswith(f"/{MANIFEST}")):
            await store.delete(key)
        log.info("deleted the files of old version %s", name)
    return len(pruned)
