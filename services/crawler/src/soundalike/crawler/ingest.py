"""Bringing one track: row, preview, object, state, each step in a form that can be repeated."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.crawler.entries import NoPreview
from soundalike.crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.leases import LocalClaims
from soundalike.crawler.policy import TO_BE_FORGOTTEN, Policy
from soundalike.crawler.retry import Patience
from soundalike.crawler.stats import Fate, Outcome
from soundalike.db import erasure, tracks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.domain.isrc import isrc_urn
from soundalike.errors import TransientError
from soundalike.storage.object_keys import preview_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.crawler.entries import Found, Preview
    from soundalike.crawler.leases import Claims
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.storage.object_store import ObjectStore

T = TypeVar("T")

DATABASE_AWAY: Final = "the database does not answer"
_STORE_AWAY: Final = "the object store does not answer"


class Away(Exception):
    """A part of the platform stayed away through every try."""


@dataclass(slots=True)
class Bringer:
    """Takes tracks to their ends; several side by side, in one process or many, get in each other's way nowhere."""

    pool: Pool
    store: ObjectStore
    policy: Policy = field(default_factory=Policy)
    claims: Claims = field(default_factory=LocalClaims)
    patience: Patience = field(default_factory=Patience)

    async def bring(self, entry: Found | NoPreview) -> Outcome:
        """Do what is owed for a track; raises `Away`."""
        track = entry.track
        if not await self.in_database(lambda: tracks.upsert(self.pool, track)):
            return await self._to_be_forgotten(track.id, entry.label)
        async with AsyncExitStack() as stack:
            if not await self.in_database(lambda: stack.enter_async_context(self.claims.of(track.id.urn))):
                return Outcome(Fate.SKIPPED, entry.label, "another crawler is bringing it", track=track.id)
            return await self._bring(entry)

    async def in_database(self, statement: Callable[[], Awaitable[T]]) -> T:
        """Run a statement with patience; raises `Away`."""
        try:
            return await self.patience.through(statement, CONNECTION_FAILURES)
        except CONNECTION_FAILURES as error:
            raise Away(DATABASE_AWAY) from error

    async def _bring(self, entry: Found | NoPreview) -> Outcome:
        track, label = entry.track.id, entry.label
        standing = await self.in_database(lambda: tracks.status(self.pool, track))
        if passed_over := self.policy.passes_over(standing):
            fate, reason = passed_over
            return Outcome(fate, label, reason, standing.reason or "" if standing else "", track)
        await self.in_database(lambda: tracks.mark_pending(self.pool, track))
        if isinstance(entry, NoPreview):
            return await self._missing(track, label, entry.reason, entry.reason, frozenset())
        try:
            preview = await entry.offer.fetch()
        except PreviewMissing as error:
            return await self._missing(track, label, error.reason, str(error), error.asked)
        except PreviewUnusable as error:
            detail = str(error)
            await self.in_database(lambda: tracks.mark_rejected(self.pool, track, detail))
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
            await self.patience.through(
                lambda: self.store.put(key, preview.data, preview.kind.mime_type), (TransientError,)
            )
        except TransientError as error:
            return await self._late(track, label, _STORE_AWAY, str(error))
        await self.in_database(
            lambda: tracks.mark_queued(
                self.pool,
                track,
                provider=origin.provider,
                method=origin.method,
                provider_id=origin.provider_id,
                score=origin.score,
                isrc=origin.isrc,
            )
        )
        return Outcome(Fate.UPLOADED, label, track=track)

    async def _is_blocked(self, isrc: str) -> bool:
        return bool(await self.in_database(lambda: erasure.find_blocked(self.pool, [isrc_urn(isrc)])))

    async def _to_be_forgotten(self, track: TrackId, label: str) -> Outcome:
        """Leave a track out, and take back what is known of it from before its artist or its ISRC were told."""

        async def forget() -> None:
            async with self.pool.acquire() as db:
                await erasure.forget_if_present(db, track)

        await self.in_database(forget)
        return Outcome(Fate.SKIPPED, label, TO_BE_FORGOTTEN)

    async def _missing(self, track: TrackId, label: str, reason: str, detail: str, asked: frozenset[str]) -> Outcome:
        await self.in_database(lambda: tracks.mark_no_preview(self.pool, track, detail, providers=asked))
        return Outcome(Fate.NO_PREVIEW, label, reason, detail, track)

    async def _late(self, track: TrackId, label: str, reason: str, detail: str) -> Outcome:
        await self.in_database(lambda: tracks.set_reason(self.pool, track, f"{detail}; the next crawl tries again"))
        return Outcome(Fate.FAILED, label, reason, detail, track)
