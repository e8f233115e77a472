"""Bringing one track: row, preview, object, state, each step in a form that can be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import NoPreviewEntry, TrackEntry
from soundalike.crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.leases import LocalLeases
from soundalike.crawler.policy import BLOCKED, CrawlPolicy
from soundalike.crawler.stats import Outcome, OutcomeStatus
from soundalike.db import erasure, gone_tracks, identities, locations, tracks
from soundalike.db.database import in_transaction
from soundalike.db.tracks import State
from soundalike.domain.isrc import isrc_urn
from soundalike.errors import TransientError
from soundalike.retry import RetryPolicy
from soundalike.storage.object_keys import preview_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.crawler.entries import Preview
    from soundalike.crawler.leases import Leases
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.storage.object_store import ObjectStore

# Twelve seconds and more: a bucket that is gone is created again within that time.
_UPLOAD_RETRY: Final = RetryPolicy(attempts=6)
_STORE_UNAVAILABLE: Final = "the object store does not answer"


@dataclass(slots=True)
class Ingest:
    """Takes tracks to their ends; several side by side, in one process or many, get in each other's way nowhere."""

    pool: Pool
    store: ObjectStore
    policy: CrawlPolicy = field(default_factory=CrawlPolicy)
    leases: Leases = field(default_factory=LocalLeases)
    retry: RetryPolicy = _UPLOAD_RETRY

    async def process(self, entry: TrackEntry | NoPreviewEntry, *, is_stored: bool = False) -> Outcome:
        """Do what is owed for a track; raises `DatabaseUnavailable`.

        The facts of one that `is_stored` are those of the catalogue, and are not written again.
        """
        track = entry.track
        location = entry.location if isinstance(entry, TrackEntry) else None
        if isinstance(entry, TrackEntry):
            await self._rename_former(entry)
        if not is_stored and not await tracks.upsert(self.pool, track):
            outcome = await self._blocked(track.id, entry.label)
            if location:
                await locations.save(self.pool, replace(location, ignored=BLOCKED), track.id)
            return outcome
        if location:
            await locations.save(self.pool, location, track.id, names=None if is_stored else track)
        async with self.leases.acquire(track.id.urn) as mine:
            if not mine:
                return Outcome(OutcomeStatus.SKIPPED, entry.label, "another crawler is processing it", track=track.id)
            return await self._process_leased(entry)

    async def add_locations(self, duplicates: Sequence[TrackEntry]) -> None:
        """Store where more files of processed tracks lie; the tags of the newest file are those of its track."""
        for entry in duplicates:
            if entry.location:
                await self._rename_former(entry)
                await locations.save(self.pool, entry.location, entry.track.id, names=entry.track)
                if entry.tagged and await locations.is_newest(self.pool, entry.location, entry.track.id):
                    await tracks.upsert(self.pool, entry.track)

    async def _rename_former(self, entry: TrackEntry) -> None:
        if (former := entry.former) is not None:
            await in_transaction(self.pool, lambda db: identities.rename(db, former, entry.track.id))

    async def _process_leased(self, entry: TrackEntry | NoPreviewEntry) -> Outcome:
        track, label = entry.track.id, entry.label
        track_status = await tracks.status(self.pool, track)
        if track_status and track_status.state is State.GONE and isinstance(entry, TrackEntry) and entry.location:
            await in_transaction(self.pool, lambda db: gone_tracks.restore(db, [track.urn]))
            track_status = await tracks.status(self.pool, track)
        if skip := self.policy.skip_reason(track_status):
            status, reason = skip
            return Outcome(status, label, reason, track_status.reason or "" if track_status else "", track)
        await tracks.mark_pending(self.pool, track)
        if isinstance(entry, NoPreviewEntry):
            return await self._no_preview(track, label, entry.reason, entry.reason, frozenset())
        try:
            preview = await entry.offer.fetch()
        except PreviewMissing as error:
            return await self._no_preview(track, label, error.reason, str(error), error.providers)
        except PreviewUnusable as error:
            detail = str(error)
            await tracks.mark_rejected(self.pool, track, detail)
            return Outcome(OutcomeStatus.REJECTED, label, error.reason, detail, track)
        except PreviewUnavailable as error:
            return replace(await self._unavailable(track, label, error.reason, str(error)), wait_s=error.wait_s)
        return await self._upload(track, label, preview)

    async def _upload(self, track: TrackId, label: str, preview: Preview) -> Outcome:
        origin = preview.provenance
        if origin.isrc is not None and await self._is_blocked(origin.isrc):
            return await self._blocked(track, label)
        key = preview_key(track, preview.kind.extension)
        try:
            await self.retry.run(lambda: self.store.put(key, preview.data, preview.kind.mime_type), (TransientError,))
        except TransientError as error:
            return await self._unavailable(track, label, _STORE_UNAVAILABLE, str(error))
        await tracks.mark_queued(
            self.pool,
            track,
            provider=origin.provider,
            method=origin.method,
            provider_id=origin.provider_id,
            score=origin.score,
            isrc=origin.isrc,
        )
        return Outcome(OutcomeStatus.UPLOADED, label, track=track)

    async def _is_blocked(self, isrc: str) -> bool:
        return bool(await erasure.find_blocked(self.pool, [isrc_urn(isrc)]))

    async def _blocked(self, track: TrackId, label: str) -> Outcome:
        """Leave a track out, and take back what is known of it from before its artist or its ISRC were told."""
        await in_transaction(self.pool, lambda db: erasure.forget_if_present(db, track))
        return Outcome(OutcomeStatus.SKIPPED, label, BLOCKED)

    async def _no_preview(
        self, track: TrackId, label: str, reason: str, detail: str, providers: frozenset[str]
    ) -> Outcome:
        await tracks.mark_no_preview(self.pool, track, detail, providers=providers)
        return Outcome(OutcomeStatus.NO_PREVIEW, label, reason, detail, track)

    async def _unavailable(self, track: TrackId, label: str, reason: str, detail: str) -> Outcome:
        await tracks.set_reason(self.pool, track, f"{detail}; the next crawl retries")
        return Outcome(OutcomeStatus.FAILED, label, reason, detail, track)
