"""The crawl of a list: every place of it has exactly one outcome, and nothing is stored on this machine."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from soundalike.crawler.entries import (
    DeferredEntry,
    IgnoredEntry,
    KnownEntry,
    SkippedEntry,
    TrackEntry,
    UnreadableEntry,
)
from soundalike.crawler.errors import SourceLocked, SourceRefused, SourceUnavailable
from soundalike.crawler.leases import LocalLeases
from soundalike.crawler.policy import CrawlPolicy
from soundalike.crawler.resume import PlaylistCheckpoint
from soundalike.crawler.stats import CrawlStats, Outcome, OutcomeStatus
from soundalike.db import artist_credits, playlists, tracks
from soundalike.errors import DatabaseUnavailable
from soundalike.http.call_runner import MAX_WAIT_S
from soundalike.http.errors import QuotaExhausted, ServiceError, ServiceRefused

if TYPE_CHECKING:
    from soundalike.crawler.entries import ListEntry, ResolvedEntry
    from soundalike.crawler.ingest import Ingest
    from soundalike.crawler.leases import Leases
    from soundalike.crawler.sources.source import Source
    from soundalike.db.database import Pool
    from soundalike.db.playlists import Playlist
    from soundalike.domain.track_id import TrackId

log = logging.getLogger(__name__)

UNCHANGED: Final = "the playlist has not changed since it was crawled"
_DATABASE_UNAVAILABLE: Final = "the database does not answer"
_DUPLICATE: Final = "duplicate"


class ProgressListener(Protocol):
    """Gets the progress of a crawl."""

    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Take the outcome of one more place, of `total` if that is known."""


class _NoListener:
    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        pass


@dataclass(slots=True)
class Crawl:
    """One run over one source; `stats` is true at any moment, also after the run was cancelled."""

    pool: Pool
    ingest: Ingest
    policy: CrawlPolicy = field(default_factory=CrawlPolicy)
    leases: Leases = field(default_factory=LocalLeases)
    listener: ProgressListener = field(default_factory=_NoListener)
    concurrency: int = 16
    stats: CrawlStats = field(default_factory=CrawlStats, init=False)
    _seen: set[TrackId] = field(default_factory=set, init=False)
    _duplicates: list[TrackEntry] = field(default_factory=list, init=False)
    _failure: ServiceError | None = field(default=None, init=False)

    async def run(self, source: Source) -> ServiceError | None:
        """Crawl the source; returns what ended its list early, if anything did. Other failures are in the stats."""
        try:
            failure = await self._crawl_list(source)
            # Who is known as an artist decides what a credit means, and may be known by now.
            await artist_credits.decide_all(self.pool)
        except ServiceError as error:
            return error
        except DatabaseUnavailable as error:
            return SourceUnavailable(f"{_DATABASE_UNAVAILABLE}: {error}")
        return failure

    async def _crawl_list(self, source: Source) -> ServiceError | None:
        playlist = await source.playlist()
        if playlist is None:
            return await self._crawl_entries(source, None)
        return await self._crawl_playlist(source, playlist)

    async def _crawl_playlist(self, source: Source, playlist: Playlist) -> ServiceError | None:
        if await playlists.is_blocked(self.pool, playlist.urn):
            return SourceRefused(f"{playlist.urn} is blocked: it was forgotten on request")
        async with self.leases.acquire(playlist.urn) as mine:
            if not mine:
                return SourceLocked(f"another crawler is crawling {playlist.urn}")
            if await self._is_unchanged(playlist):
                return None
            reading = await PlaylistCheckpoint.load(self.pool, self.policy, playlist)
            try:
                stopped = await self._crawl_entries(source, reading)
            finally:
                await asyncio.shield(reading.save())
            return stopped or await reading.store_playlist()

    async def _crawl_entries(self, source: Source, checkpoint: PlaylistCheckpoint | None) -> ServiceError | None:
        workers = asyncio.Semaphore(self.concurrency)
        start = self._count_completed(source, checkpoint) if checkpoint else 0
        async with asyncio.TaskGroup() as group, aclosing(source.entries(start)) as entries:  # type: ignore[type-var]
            try:
                async for entry in entries:
                    if isinstance(entry, IgnoredEntry):
                        self.stats.ignored[entry.kind] += entry.count
                        continue
                    if entry.position < start or await self._is_settled(entry, source, checkpoint):
                        continue
                    await workers.acquire()
                    if self._failure:
                        break
                    self.stats.started += 1
                    group.create_task(self._process(entry, workers, source, checkpoint))
            except ServiceError as error:
                # The tracks that were started are still completed.
                self._failure = error
        # The tracks of both have rows now.
        await self.ingest.add_locations(self._duplicates)
        if self.stats.unfinished:
            raise AssertionError(f"{self.stats.unfinished} entries of the list have no outcome")
        return self._failure

    async def _is_settled(self, entry: ListEntry, source: Source, checkpoint: PlaylistCheckpoint | None) -> bool:
        """Count the place of a track for which nothing is owed, at once: of a library that is most."""
        skip = self.policy.skip_reason(entry.status) if isinstance(entry, KnownEntry) else None
        if skip is None or not isinstance(entry, KnownEntry):
            return False
        status, reason = skip
        self.stats.started += 1
        outcome = Outcome(status, entry.label, reason, entry.status.reason or "", entry.track)
        if checkpoint:
            await checkpoint.add(entry.position, outcome)
        self._count(outcome, source.total)
        return True

    def _count_completed(self, source: Source, checkpoint: PlaylistCheckpoint) -> int:
        """Count the places that an interrupted crawl completed, and return where this one begins."""
        for place, status, reason in checkpoint.completed:
            self.stats.started += 1
            if place.track and place.track in self._seen:
                status, reason = OutcomeStatus.SKIPPED, _DUPLICATE  # noqa: PLW2901 - the same place, seen better
            elif place.track:
                self._seen.add(place.track)
            self._count(Outcome(status, place.label, reason, track=place.track), source.total)
        return len(checkpoint.completed)

    async def _process(
        self, entry: ListEntry, workers: asyncio.Semaphore, source: Source, checkpoint: PlaylistCheckpoint | None
    ) -> None:
        try:
            outcome = await self._outcome_of(entry)
        except DatabaseUnavailable as error:
            outcome = Outcome(OutcomeStatus.FAILED, entry.label, _DATABASE_UNAVAILABLE, str(error))
        except Exception as error:
            # The outermost place of a worker: an error in the code costs one place of the list.
            log.exception("%s failed with an unexpected error", entry.label)
            outcome = Outcome(OutcomeStatus.FAILED, entry.label, "an error in the crawler", repr(error))
        finally:
            workers.release()
        if checkpoint:
            await checkpoint.add(entry.position, outcome)
        if (outcome.wait_s or 0.0) > MAX_WAIT_S:
            self._failure = QuotaExhausted(outcome.detail, wait_s=outcome.wait_s)
        self._count(outcome, source.total)

    def _count(self, outcome: Outcome, total: int | None) -> None:
        self.stats.add(outcome)
        self.listener.report(outcome, self.stats.finished + self.stats.ignored.total(), total)

    async def _outcome_of(self, entry: ListEntry) -> Outcome:
        if isinstance(entry, DeferredEntry):
            return await self._outcome_of_deferred(entry)
        if isinstance(entry, KnownEntry):
            return await self._outcome_of_resolved(await entry.read(), is_stored=True)
        return await self._outcome_of_resolved(entry)

    async def _outcome_of_deferred(self, entry: DeferredEntry) -> Outcome:
        try:
            read = await entry.read()
        except QuotaExhausted as error:
            self._failure = error
            return Outcome(OutcomeStatus.FAILED, entry.label, "rate limit of the service reached", str(error))
        except ServiceRefused as error:
            return Outcome(OutcomeStatus.SKIPPED, entry.label, "not found at the service", str(error))
        except ServiceError as error:
            return Outcome(OutcomeStatus.FAILED, entry.label, "the service does not answer", str(error))
        return await self._outcome_of_resolved(read)

    async def _outcome_of_resolved(self, entry: ResolvedEntry, *, is_stored: bool = False) -> Outcome:
        match entry:
            case SkippedEntry(_, label, reason, detail, track):
                return Outcome(OutcomeStatus.SKIPPED, label, reason, detail, track, is_notable=bool(detail))
            case UnreadableEntry(_, label, reason, detail):
                return Outcome(OutcomeStatus.FAILED, label, reason, detail)
        track = entry.track.id
        if track in self._seen:
            if isinstance(entry, TrackEntry) and entry.location:
                self._duplicates.append(entry)
            return Outcome(OutcomeStatus.SKIPPED, entry.label, _DUPLICATE, track=track)
        self._seen.add(track)
        return await self.ingest.process(entry, is_stored=is_stored)

    async def _is_unchanged(self, playlist: Playlist) -> bool:
        """Tell whether a playlist is the same as before and complete, and count its places if so."""
        before = await playlists.get(self.pool, playlist.urn)
        if before is None or playlist.snapshot_id is None or before.snapshot_id != playlist.snapshot_id:
            return False
        urns = [track.urn for track in await playlists.tracks_of(self.pool, playlist.urn)]
        statuses = await tracks.statuses(self.pool, urns)
        ends = [self.policy.skip_reason(statuses.get(urn)) for urn in urns]
        if None in ends:
            return False
        for urn, (status, reason) in zip(urns, filter(None, ends), strict=True):
            self.stats.started += 1
            self._count(Outcome(status, urn, reason if status is OutcomeStatus.NO_PREVIEW else UNCHANGED), len(urns))
        return True
