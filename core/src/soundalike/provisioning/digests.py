"""The digests of versions that were published before digests were recorded."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final

from soundalike.db import index_versions, taste_versions
from soundalike.errors import ObjectMissing, ObjectTooLarge
from soundalike.storage.artifacts.manifest import MANIFEST, MAX_MANIFEST_BYTES

if TYPE_CHECKING:
    from soundalike.db.database import Executor
    from soundalike.storage.object_store import ObjectStore

_NONE: Final = "0" * 64

log = logging.getLogger(__name__)


async def record_missing(db: Executor, store: ObjectStore) -> int:
    """Record the digests of the manifests in the bucket for versions that have none; returns how many.

    This is what an upgrade trusts, once: versions that are built later come with their digests, and one whose files are
    gone gets a digest that no manifest has, so that nothing that is put there later is trusted. Raises
    `StoreUnavailable`.
    """
    recorded = 0
    for kind in (index_versions, taste_versions):
        for version, location in (await kind.without_digest(db)).items():
            try:
                manifest = await store.get(f"{location.rstrip('/')}/{MANIFEST}", max_bytes=MAX_MANIFEST_BYTES)
            except (ObjectMissing, ObjectTooLarge) as error:
                log.warning("version %s has no manifest and is not used any more: %s", version, error)
                await kind.set_digest(db, version, _NONE)
                continue
            digest = hashlib.sha256(manifest.data).hexdigest()
            await kind.set_digest(db, version, digest)
            log.info("recorded the digest of version %s, from before digests were recorded: %s", version, digest)
            recorded += 1
    return recorded
