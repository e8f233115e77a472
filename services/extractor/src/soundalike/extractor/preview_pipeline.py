"""What happens to one preview: read, hear, store, commit, and only then delete the audio."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.audio.errors import PermanentAudioError
from soundalike.db import embeddings, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.tracks import State
from soundalike.errors import ObjectMissing, ObjectTooLarge
from soundalike.extractor.uploads import compare
from soundalike.storage.object_keys import track_of_preview, upload_of

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.extractor.embedder import Listener
    from soundalike.extractor.s3_events import Created
    from soundalike.storage.object_store import ObjectStore, StoredObject

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hearing:
    """The parts that one preview passes through."""

    pool: Pool
    store: ObjectStore
    listener: Listener
    max_bytes: int

    async def hear(self, created: Created) -> str:
        """Take one preview from the bucket to the catalogue and return what became of it, in a word.

        What somebody sent to be compared goes to whoever waits for it instead (`comparing`).

        Every step may be repeated. Raises transient errors (network, database, decoder crash) with nothing deleted,
        and `errors.InvalidTrackId` for a key that names no track.
        """
        if (query := upload_of(created.key)) is not None:
            return await compare(query, self.pool, self.store, self.listener, max_bytes=self.max_bytes)
        track = track_of_preview(created.key)
        await tracks.ensure(self.pool, track)
        standing = await tracks.status(self.pool, track)
        if standing is not None and standing.state is State.FORGOTTEN:
            await self.store.delete(created.key)
            return "forgotten"
        try:
            preview = await self.store.get(created.key, max_bytes=self.max_bytes)
        except ObjectMissing:
            return await self._gone(track)
        except ObjectTooLarge as error:
            return await self._reject(track, created.key, None, str(error))
        try:
            heard = await self.listener.listen(preview.data)
        except PermanentAudioError as error:
            return await self._reject(track, created.key, preview, str(error))
        embedding = Embedding(
            track=track,
            model=self.listener.model_id,
            vector=heard.vector,
            object_key=created.key,
            sequencer=created.sequencer,
            audio_sha256=heard.audio_sha256,
            analysed_s=heard.seconds_heard,
            tag_probabilities=heard.tags,
        )
        # What was computed is worth finishing, even when the process is being stopped.
        return await asyncio.shield(self._store(embedding, preview))

    async def _store(self, embedding: Embedding, preview: StoredObject) -> str:
        async with self.pool.acquire() as connection:
            stored = await embeddings.save(connection, embedding)
        await self.store.delete(embedding.object_key, etag=preview.etag)
        return "ready" if stored else "known"

    async def _gone(self, track: TrackId) -> str:
        if await embeddings.exists(self.pool, track, self.listener.model_id):
            return "known"
        await tracks.mark_preview_lost(
            self.pool, track, "the preview was gone before it was heard; the next crawl fetches it"
        )
        return "gone"

    async def _reject(self, track: TrackId, key: str, preview: StoredObject | None, reason: str) -> str:
        log.warning("%s rejected: %s", track, reason)
        await tracks.mark_rejected(self.pool, track, reason)
        await self.store.delete(key, etag=preview.etag if preview else None)
        return "rejected"
