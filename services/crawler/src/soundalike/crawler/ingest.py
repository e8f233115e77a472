"""Bringing one track: row, preview, object, state, each step in a form that can be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import NoPreview
from soundalike.crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.leases import LocalClaims
from soundalike.crawler.policy import TO_BE_FORGOTTEN, Policy
from soundalike.crawler.stats import Fate, Outcome
from soundalike.db import erasure, tracks
from soundalike.db.database import in_transaction
from soundalike.domain.isrc import isrc_urn
from soundalike.errors import TransientError
from soundalike.retry import RetryPolicy
from soundalike.storage.object_keys import preview_key

if TYPE_CHECKING:
    from soundalike.crawler.entries import Found, Preview
    from soundalike.crawler.leases import Claims
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.storage.object_store import ObjectStore

_STORE_AWAY: Final = "the object store does not answer"


@dataclass(slots=True)
class Bringer:
    """Takes tracks to their ends; several side by side, in one process or many, get in each other's way nowhere."""

    pool: Pool
    store: ObjectStore
    policy: Policy = field(default_factory=Policy)
    claims: Claims = field(default_factory=LocalClaims)
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    async def bring(self, entry: Found | NoPreview) -> Outcome:
        """Do what is owed for a track; raises `DatabaseUnavailable`."""
        track = entry.track
        if not await tracks.upsert(self.pool, track):
            return await self._to_be_forgotten(track.id, entry.label)
        async with self.claims.of(track.id.urn) as mine:
            if not mine:
                return Outcome(Fate.SKIPPED, entry.label, "another crawler is bringing it", track=track.id)
            return await self._bring(entry)

    async def _bring(self, entry: Found | NoPreview) -> Outcome:
        track, label = entry.track.id, entry.label
        standing = await tracks.status(self.pool, track)
        if passed_over := self.policy.passes_over(standing):
            fate, reason = passed_over
            return Outcome(fate, label, reason, standing.reason or "" if standing else "", track)
        await tracks.mark_pending(self.pool, track)
        if isinstance(entry, NoPreview):
            return await self._missing(track, label, entry.reason, entry.reason, frozenset())
        try:
            preview = await entry.offer.fetch()
        except PreviewMissing as error:
            return await self._missing(track, label, error.reason, str(error), error.asked)
        except PreviewUnusable as error:
            detail = str(error)
            await tracks.mark_rejected(self.pool, track, detail)
            return Outcome(Fate.REJECTED, label, error.reason, detail, track)
        except PreviewUnavailable as error:
            return replace(await self._late(track, label, error.reason, str(error)), wait_s=error.wait_s)
        return await self._upload(track, label, preview)

    async def _upload(self, track: TrackId, label: str, preview: Preview) -> Outcome:
        origin = preview.provenance
        if origin.isrc is not None and await self._is_blocked(origin.isrc):
            return await self._to_be_forgotten(track, label)
        key = preview_key(track, preview.kind.extension)
        try:
            await self.retry.run(lambda: self.store.put(key, preview.data, preview.kind.mime_type), (TransientError,))
        except TransientError as error:
            return await self._late(track, label, _STORE_AWAY, str(error))
        await tracks.mark_queued(
            self.pool,
            track,
            provider=origin.provider,
            method=origin.method,
            provider_id=origin.provider_id,
            score=origin.score,
            isrc=origin.isrc,
        )
        return Outcome(Fate.UPLOADED, label, track=track)

    async def _is_blocked(self, isrc: str) -> bool:
        return bool(await erasure.find_blocked(self.pool, [isrc_urn(isrc)]))

    async def _to_be_forgotten(self, track: TrackId, label: str) -> Outcome:
        """Leave a track out, and take back what is known of it from before its artist or its ISRC were told."""
        await in_transaction(self.pool, lambda db: erasure.forget_if_present(db, track))
        return Outcome(Fate.SKIPPED, label, TO_BE_FORGOTTEN)

    async def _missing(self, track: TrackId, label: str, reason: str, detail: str, asked: frozenset[str]) -> Outcome:
        await tracks.mark_no_preview(self.pool, track, detail, providers=asked)
        return Outcome(Fate.NO_PREVIEW, label, reason, detail, track)

    async def _late(self, track: TrackId, label: str, reason: str, detail: str) -> Outcome:
        await tracks.set_reason(self.pool, track, f"{detail}; the next crawl tries again")
        return Outcome(Fate.FAILED, label, reason, detail, track)
