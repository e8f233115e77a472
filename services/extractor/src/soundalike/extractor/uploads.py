"""Hearing a recording that somebody compares with the catalogue: no track, no trace."""

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
    from soundalike.extractor.embedder import Listener
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

LONGEST_WAIT: Final = timedelta(minutes=2)
"""Nobody waits as long for an answer: what is older was left behind."""


async def compare(query: str, pool: Pool, store: ObjectStore, listener: Listener, *, max_bytes: int) -> str:
    """Hear the recording of a query, tell whoever waits, delete the recording; return what came of it, in a word.

    Every step may be repeated. Raises transient errors with nothing deleted, as `Hearing.hear` does.
    """
    key = upload_key(query)
    if await uploads.is_pending(pool, query):
        outcome = await _hear(query, key, pool, store, listener, max_bytes)
    else:
        outcome = "asked for by nobody"
    await store.delete(key)
    return outcome


async def clear_up(pool: Pool, store: ObjectStore) -> int:
    """Delete the recordings and rows that were left behind; return how many recordings."""
    deleted = 0
    async for found in store.list(UPLOADS):
        if found.last_modified <= datetime.now(UTC) - LONGEST_WAIT:
            await store.delete(found.key)
            deleted += 1
    await uploads.delete_older_than(pool, seconds=LONGEST_WAIT.total_seconds())
    return deleted


async def _hear(query: str, key: str, pool: Pool, store: ObjectStore, listener: Listener, max_bytes: int) -> str:
    try:
        heard = await listener.listen((await store.get(key, max_bytes=max_bytes)).data)
    except ObjectMissing:
        return "gone"
    except (ObjectTooLarge, PermanentAudioError) as error:
        await uploads.reject(pool, query, str(error))
        return "refused"
    said = None if heard.tags is None else heard.tags.tolist()
    await uploads.complete(pool, query, Analysis(listener.model_id, heard.vector, said))
    return "compared"
