"""Recordings that somebody uploads to find similar tracks: embedded, and not kept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from soundalike.audio.errors import PermanentAudioError
from soundalike.db import uploads
from soundalike.db.uploads import Analysis
from soundalike.errors import ObjectMissing, ObjectTooLarge
from soundalike.storage.object_keys import UPLOADS, upload_key

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.extractor.embedder import Embedder
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

MAX_WAIT: Final = timedelta(minutes=2)
"""Nobody waits longer for a result: older uploads are abandoned."""


async def process_upload(upload: str, pool: Pool, store: ObjectStore, embedder: Embedder, *, max_bytes: int) -> str:
    """Embed an uploaded recording, pass on the result, delete the recording; return the outcome in a word.

    Every step may be repeated. Raises transient errors with nothing deleted, as `PreviewPipeline.process` does.
    """
    key = upload_key(upload)
    if await uploads.is_pending(pool, upload):
        outcome = await _embed(upload, key, pool, store, embedder, max_bytes)
    else:
        outcome = "abandoned"
    await store.delete(key)
    return outcome


async def delete_abandoned(pool: Pool, store: ObjectStore) -> int:
    """Delete the abandoned recordings and their rows; return how many recordings."""
    deleted = 0
    async for stored in store.list(UPLOADS):
        if stored.last_modified <= datetime.now(UTC) - MAX_WAIT:
            await store.delete(stored.key)
            deleted += 1
    await uploads.delete_older_than(pool, seconds=MAX_WAIT.total_seconds())
    return deleted


async def _embed(upload: str, key: str, pool: Pool, store: ObjectStore, embedder: Embedder, max_bytes: int) -> str:
    try:
        # Of a file that is larger than an upload may be, callers send the beginning.
        data = (await store.get(key, max_bytes=max_bytes)).data
        extracted = await embedder.embed(data, accepts_beginning=True)
    except ObjectMissing:
        return "gone"
    except (ObjectTooLarge, PermanentAudioError) as error:
        await uploads.reject(pool, upload, str(error))
        return "refused"
    tags = None if extracted.tags is None else extracted.tags.tolist()
    await uploads.complete(pool, upload, Analysis(embedder.model_id, extracted.vector, tags))
    return "compared"
