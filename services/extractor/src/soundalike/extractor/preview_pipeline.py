"""The steps of one preview: read, embed, store, commit, and only then delete the audio."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from soundalike.audio.errors import PermanentAudioError
from soundalike.db import analyses, embeddings, track_requests, tracks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.embeddings import Embedding
from soundalike.db.tracks import State
from soundalike.errors import ObjectMissing, ObjectTooLarge
from soundalike.extractor.uploads import process_upload
from soundalike.storage.object_keys import track_of_preview, upload_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.extractor.embedder import Embedder
    from soundalike.extractor.s3_events import ObjectCreated
    from soundalike.storage.object_store import ObjectStore, StoredObject

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PreviewPipeline:
    """The parts that one preview passes through; `worker` is who says what is analysed right now."""

    pool: Pool
    store: ObjectStore
    embedder: Embedder
    max_bytes: int
    worker: UUID = field(default_factory=uuid4)

    async def process(self, created: ObjectCreated) -> str:
        """Embed one preview from the bucket and return the outcome in a word.

        The result of an uploaded recording goes to whoever waits for it instead (`extractor.uploads`).

        A preview of a track that the catalogue does not know gives it a row: whoever writes into the bucket may bring
        one. A message about an object that is not there gives none.

        Every step may be repeated. Raises transient errors (network, database, decoder crash) with nothing deleted,
        and `errors.InvalidTrackId` for a key that names no track.
        """
        if (upload := upload_of(created.key)) is not None:
            return await process_upload(upload, self.pool, self.store, self.embedder, max_bytes=self.max_bytes)
        track = track_of_preview(created.key)
        status = await tracks.status(self.pool, track)
        if status is not None and status.state is State.FORGOTTEN:
            await self.store.delete(created.key)
            return "forgotten"
        try:
            preview = await self.store.get(created.key, max_bytes=self.max_bytes)
        except ObjectMissing:
            return await self._record_missing(track, is_known=status is not None)
        except ObjectTooLarge as error:
            await tracks.ensure(self.pool, track)
            return await self._reject(track, created.key, None, str(error))
        # Only now: a message alone, which anybody may have written, makes no row.
        await tracks.ensure(self.pool, track)
        async with self._noted(track):
            return await self._analyse(track, created, preview)

    async def _analyse(self, track: TrackId, created: ObjectCreated, preview: StoredObject) -> str:
        try:
            extracted = await self.embedder.embed(preview.data)
        except PermanentAudioError as error:
            return await self._reject(track, created.key, preview, str(error))
        embedding = Embedding(
            track=track,
            model=self.embedder.model_id,
            vector=extracted.vector,
            object_key=created.key,
            sequencer=created.sequencer,
            audio_sha256=extracted.audio_sha256,
            analysed_s=extracted.seconds_analysed,
            tag_probabilities=extracted.tags,
        )
        # Finished even when the process is being stopped: the expensive part is done.
        return await asyncio.shield(self._store(embedding, preview))

    @asynccontextmanager
    async def _noted(self, track: TrackId) -> AsyncIterator[None]:
        """Tell whoever asks that the track is analysed while the context is open."""
        await analyses.begin(self.pool, track, self.worker)
        try:
            yield
        finally:
            # What is left over expires.
            with suppress(*CONNECTION_FAILURES):
                await analyses.end(self.pool, track, self.worker)

    async def _store(self, embedding: Embedding, preview: StoredObject) -> str:
        async with self.pool.acquire() as connection:
            stored = await embeddings.save(connection, embedding)
        await self.store.delete(embedding.object_key, etag=preview.etag)
        return "ready" if stored else "known"

    async def _record_missing(self, track: TrackId, *, is_known: bool) -> str:
        if not is_known:
            log.warning("%s is not in the catalogue, and its preview not in the bucket; the message is deleted", track)
            return "gone"
        if await embeddings.exists(self.pool, track, self.embedder.model_id):
            return "known"
        await track_requests.lose_previews(
            self.pool, [track], "the preview was gone before it was analysed; the next crawl fetches it again"
        )
        return "gone"

    async def _reject(self, track: TrackId, key: str, preview: StoredObject | None, reason: str) -> str:
        log.warning("%s rejected: %s", track, reason)
        await tracks.mark_rejected(self.pool, track, reason)
        await self.store.delete(key, etag=preview.etag if preview else None)
        return "rejected"
