"""The use case: every place of a list comes to exactly one end, and nothing is kept on this machine."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from catalog import playlists, tracks
from catalog.database import CONNECTION_FAILURES
from catalog.errors import TransientError
from catalog.keys import preview_key
from catalog.tracks import State
from crawler.entries import Aside, Found, NoPreview, Skipped, Unreadable
from crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable, SourceError, SourceUnavailable
from crawler.patience import Patience
from crawler.tally import Fate, Outcome, Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from catalog.database import Pool
    from catalog.playlists import Playlist
    from catalog.store import ObjectStore
    from catalog.track_id import TrackId
    from crawler.entries import Offer
    from crawler.sources.source import Source

log = logging.getLogger(__name__)

T = TypeVar("T")

UNCHANGED: Final = "the playlist has not changed since all of it was crawled"
_DATABASE_AWAY: Final = "the database does not answer"
_STORE_AWAY: Final = "the object store does not answer"
_SETTLED: Final = frozenset({State.READY, State.REJECTED, State.FORGOTTEN})


class Audience(Protocol):
    """Who hears how the crawl goes on."""

    def outcome(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Hear that one more place, of `total` if that is known, came to its end."""


class _Silence:
    def outcome(self, outcome: Outcome, done: int, total: int | None) -> None:
        pass


class _Away(Exception):
    """A part of the platform stayed away through every try."""


@dataclass(slots=True)
class Crawl:
    """One run over one source; `tally` is true at any moment, also after the run was cancelled."""

    pool: Pool
    store: ObjectStore
    audience: Audience = field(default_factory=_Silence)
    patience: Patience = field(default_factory=Patience)
    concurrency: int = 4
    retry_rejected: bool = False
    tally: Tally = field(default_factory=Tally, init=False)
    _seen: set[TrackId] = field(default_factory=set, init=False)
    _stored: set[TrackId] = field(default_factory=set, init=False)
    _places: list[tuple[int, TrackId]] = field(default_factory=list, init=False)

    async def run(self, source: Source) -> SourceError | None:
        """Crawl the source; returns what ended its list early, if anything did. Other failures are in the tally."""
        try:
            playlist = await source.playlist()
            if playlist and await self._is_unchanged(playlist):
                return None
        except SourceError as error:
            return error
        except _Away as error:
            return SourceUnavailable(str(error))
        stopped = await self._each_entry(source)
        if stopped:
            return stopped
        if self.tally.unfinished:
            raise AssertionError(f"{self.tally.unfinished} places of the list came to no end")
        if playlist:
            return await self._keep(playlist)
        return None

    async def _each_entry(self, source: Source) -> SourceError | None:
        places = asyncio.Semaphore(self.concurrency)
        stopped: SourceError | None = None
        async with asyncio.TaskGroup() as group, aclosing(source.entries()) as entries:  # type: ignore[type-var]
            try:
                async for entry in entries:
                    if isinstance(entry, Aside):
                        self.tally.aside[entry.what] += 1
                        continue
                    await places.acquire()
                    self.tally.begun += 1
                    group.create_task(self._work(entry, places, source))
            except SourceError as error:
                # The tracks that were taken up are still brought to their end.
                stopped = error
        return stopped

    async def _work(self, entry: _Place, places: asyncio.Semaphore, source: Source) -> None:
        try:
            outcome = await self._settle(entry)
        except _Away as error:
            outcome = Outcome(Fate.FAILED, entry.label, str(error), repr(error.__cause__))
        except Exception as error:
            log.exception("%s failed in a way that nobody thought of", entry.label)
            outcome = Outcome(Fate.FAILED, entry.label, "an error in the crawler", repr(error))
        finally:
            places.release()
        self._count(outcome, source.total)

    def _count(self, outcome: Outcome, total: int | None) -> None:
        self.tally.add(outcome)
        self.audience.outcome(outcome, self.tally.found + self.tally.aside.total(), total)

    async def _settle(self, entry: _Place) -> Outcome:
        match entry:
            case Skipped(_, label, reason):
                return Outcome(Fate.SKIPPED, label, reason)
            case Unreadable(_, label, reason, detail):
                return Outcome(Fate.FAILED, label, reason, detail)
            case Found() | NoPreview():
                return await self._settle_track(entry)

    async def _settle_track(self, entry: Found | NoPreview) -> Outcome:
        track = entry.track
        self._places.append((entry.position, track.id))
        if track.id in self._seen:
            return Outcome(Fate.SKIPPED, entry.label, "duplicate")
        self._seen.add(track.id)
        await self._in_database(lambda: tracks.upsert(self.pool, track))
        self._stored.add(track.id)
        standing = await self._in_database(lambda: tracks.standing(self.pool, track.id))
        if passed_over := self._reason_to_pass_over(standing):
            return Outcome(Fate.SKIPPED, entry.label, passed_over)
        await self._in_database(lambda: tracks.mark_owed(self.pool, track.id))
        if isinstance(entry, NoPreview):
            return await self._without_preview(track.id, entry.label, entry.reason, entry.reason)
        return await self._bring(track.id, entry.label, entry.offer)

    def _reason_to_pass_over(self, standing: tracks.Standing | None) -> str | None:
        if standing is None or standing.state is State.FORGOTTEN:
            return "to be forgotten"
        if standing.heard:
            return "heard already"
        if standing.state is State.QUEUED:
            return "on its way already"
        if standing.state is State.REJECTED and not self.retry_rejected:
            return "rejected before (--retry-rejected tries again)"
        return None

    async def _bring(self, track: TrackId, label: str, offer: Offer) -> Outcome:
        try:
            preview = await self.patience.through(offer.fetch, (PreviewUnavailable,))
        except PreviewMissing as error:
            return await self._without_preview(track, label, error.reason, str(error))
        except PreviewUnusable as error:
            detail = str(error)
            await self._in_database(lambda: tracks.mark_rejected(self.pool, track, detail))
            return Outcome(Fate.REJECTED, label, error.reason, detail)
        except PreviewUnavailable as error:
            return await self._late(track, label, error.reason, str(error))
        key = preview_key(track, preview.kind.extension)
        try:
            await self.patience.through(
                lambda: self.store.put(key, preview.data, preview.kind.mime_type), (TransientError,)
            )
        except TransientError as error:
            return await self._late(track, label, _STORE_AWAY, str(error))
        await self._in_database(
            lambda: tracks.mark_queued(self.pool, track, provider=offer.provider, method=offer.method)
        )
        return Outcome(Fate.UPLOADED, label)

    async def _without_preview(self, track: TrackId, label: str, reason: str, detail: str) -> Outcome:
        await self._in_database(lambda: tracks.mark_no_preview(self.pool, track, detail))
        return Outcome(Fate.NO_PREVIEW, label, reason, detail)

    async def _late(self, track: TrackId, label: str, reason: str, detail: str) -> Outcome:
        await self._in_database(lambda: tracks.note(self.pool, track, f"{detail}; the next crawl tries again"))
        return Outcome(Fate.FAILED, label, reason, detail)

    async def _is_unchanged(self, playlist: Playlist) -> bool:
        """Tell whether nothing is owed of a playlist that is the same as before, and count its places if so."""
        before = await self._in_database(lambda: playlists.get(self.pool, playlist.urn))
        if before is None or playlist.snapshot_id is None or before.snapshot_id != playlist.snapshot_id:
            return False
        listed = await self._in_database(lambda: playlists.tracks_of(self.pool, playlist.urn))
        urns = [track.urn for track in listed]
        stored = await self._in_database(lambda: tracks.get_many(self.pool, urns))
        states = {one.state for one in stored.values()}
        if not states <= _SETTLED or (self.retry_rejected and State.REJECTED in states):
            return False
        for urn in urns:
            self.tally.begun += 1
            self._count(Outcome(Fate.SKIPPED, urn, UNCHANGED), len(urns))
        return True

    async def _keep(self, playlist: Playlist) -> SourceError | None:
        # A track whose row could not be written leaves its places out; being owed, it is not forgotten.
        places = sorted(place for place in self._places if place[1] in self._stored)

        async def replace() -> None:
            async with self.pool.acquire() as connection:
                await playlists.replace(connection, playlist, places)

        try:
            await self._in_database(replace)
        except _Away as error:
            return SourceUnavailable(f"the playlist could not be stored: {error}")
        return None

    async def _in_database(self, statement: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self.patience.through(statement, CONNECTION_FAILURES)
        except CONNECTION_FAILURES as error:
            raise _Away(_DATABASE_AWAY) from error


if TYPE_CHECKING:
    _Place = Found | NoPreview | Skipped | Unreadable
