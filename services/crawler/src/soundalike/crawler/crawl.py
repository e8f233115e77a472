"""The use case: every place of a list comes to exactly one end, and nothing is kept on this machine."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from soundalike.crawler.entries import Aside, Deferred, Skipped, Unreadable
from soundalike.crawler.errors import (
    QuotaSpent,
    ServiceRefused,
    ServiceUnavailable,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from soundalike.crawler.leases import LocalClaims
from soundalike.crawler.policy import Policy
from soundalike.crawler.resume import Reading
from soundalike.crawler.stats import Fate, Outcome, Tally
from soundalike.db import playlists, tracks
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from soundalike.crawler.entries import Place, Settled
    from soundalike.crawler.ingest import Bringer
    from soundalike.crawler.leases import Claims
    from soundalike.crawler.sources.source import Source
    from soundalike.db.database import Pool
    from soundalike.db.playlists import Playlist
    from soundalike.domain.track_id import TrackId

log = logging.getLogger(__name__)

UNCHANGED: Final = "the playlist has not changed since all of it was crawled"
LONGEST_WAIT_S: Final = 60.0
"""A service that asks for more patience than this ends the run."""

_DATABASE_AWAY: Final = "the database does not answer"
_DUPLICATE: Final = "duplicate"


class Audience(Protocol):
    """Who hears how the crawl goes on."""

    def outcome(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Hear that one more place, of `total` if that is known, came to its end."""


class _Silence:
    def outcome(self, outcome: Outcome, done: int, total: int | None) -> None:
        pass


@dataclass(slots=True)
class Crawl:
    """One run over one source; `tally` is true at any moment, also after the run was cancelled."""

    pool: Pool
    bringer: Bringer
    policy: Policy = field(default_factory=Policy)
    claims: Claims = field(default_factory=LocalClaims)
    audience: Audience = field(default_factory=_Silence)
    concurrency: int = 16
    tally: Tally = field(default_factory=Tally, init=False)
    _seen: set[TrackId] = field(default_factory=set, init=False)
    _stopped: SourceError | None = field(default=None, init=False)

    async def run(self, source: Source) -> SourceError | None:
        """Crawl the source; returns what ended its list early, if anything did. Other failures are in the tally."""
        try:
            playlist = await source.playlist()
            if playlist is None:
                return await self._each_entry(source, None)
            return await self._playlist(source, playlist)
        except SourceError as error:
            return error
        except DatabaseUnavailable as error:
            return SourceUnavailable(f"{_DATABASE_AWAY}: {error}")

    async def _playlist(self, source: Source, playlist: Playlist) -> SourceError | None:
        if await playlists.is_blocked(self.pool, playlist.urn):
            return SourceRefused(f"{playlist.urn} is to be forgotten")
        async with self.claims.of(playlist.urn) as mine:
            if not mine:
                return SourceBusy(f"another crawler is reading {playlist.urn} at the moment")
            if await self._is_unchanged(playlist):
                return None
            reading = await Reading.begin(self.pool, self.policy, playlist)
            try:
                stopped = await self._each_entry(source, reading)
            finally:
                await asyncio.shield(reading.keep())
            return stopped or await reading.finish()

    async def _each_entry(self, source: Source, reading: Reading | None) -> SourceError | None:
        workers = asyncio.Semaphore(self.concurrency)
        start = self._count_known(source, reading) if reading else 0
        async with asyncio.TaskGroup() as group, aclosing(source.entries(start)) as entries:  # type: ignore[type-var]
            try:
                async for entry in entries:
                    if isinstance(entry, Aside):
                        self.tally.aside[entry.what] += 1
                        continue
                    if entry.position < start:
                        continue
                    await workers.acquire()
                    if self._stopped:
                        break
                    self.tally.begun += 1
                    group.create_task(self._work(entry, workers, source, reading))
            except SourceError as error:
                # The tracks that were taken up are still brought to their end.
                self._stopped = error
        if self.tally.unfinished:
            raise AssertionError(f"{self.tally.unfinished} places of the list came to no end")
        return self._stopped

    def _count_known(self, source: Source, reading: Reading) -> int:
        """Count the places that an interrupted crawl brought to their ends, and return where this one begins."""
        for place, fate, reason in reading.settled:
            self.tally.begun += 1
            if place.track and place.track in self._seen:
                fate, reason = Fate.SKIPPED, _DUPLICATE  # noqa: PLW2901 - the same place, seen better
            elif place.track:
                self._seen.add(place.track)
            self._count(Outcome(fate, place.label, reason, track=place.track), source.total)
        return len(reading.settled)

    async def _work(self, entry: Place, workers: asyncio.Semaphore, source: Source, reading: Reading | None) -> None:
        try:
            outcome = await self._settle(entry)
        except DatabaseUnavailable as error:
            outcome = Outcome(Fate.FAILED, entry.label, _DATABASE_AWAY, str(error))
        except Exception as error:
            log.exception("%s failed in a way that nobody thought of", entry.label)
            outcome = Outcome(Fate.FAILED, entry.label, "an error in the crawler", repr(error))
        finally:
            workers.release()
        if reading:
            await reading.note(entry.position, outcome)
        if (outcome.wait_s or 0.0) > LONGEST_WAIT_S:
            self._stopped = QuotaSpent(outcome.detail, wait_s=outcome.wait_s)
        self._count(outcome, source.total)

    def _count(self, outcome: Outcome, total: int | None) -> None:
        self.tally.add(outcome)
        self.audience.outcome(outcome, self.tally.found + self.tally.aside.total(), total)

    async def _settle(self, entry: Place) -> Outcome:
        if isinstance(entry, Deferred):
            return await self._settle_deferred(entry)
        return await self._settle_read(entry)

    async def _settle_deferred(self, entry: Deferred) -> Outcome:
        try:
            read = await entry.read()
        except QuotaSpent as error:
            self._stopped = error
            return Outcome(Fate.FAILED, entry.label, "the service asks for patience", str(error))
        except ServiceUnavailable as error:
            return Outcome(Fate.FAILED, entry.label, "the service cannot be asked", str(error), wait_s=error.wait_s)
        except (ServiceRefused, SourceRefused) as error:
            return Outcome(Fate.SKIPPED, entry.label, "the service knows nothing of it", str(error))
        except SourceError as error:
            return Outcome(Fate.FAILED, entry.label, "the service cannot be asked", str(error))
        return await self._settle_read(read)

    async def _settle_read(self, entry: Settled) -> Outcome:
        match entry:
            case Skipped(_, label, reason):
                return Outcome(Fate.SKIPPED, label, reason)
            case Unreadable(_, label, reason, detail):
                return Outcome(Fate.FAILED, label, reason, detail)
        track = entry.track.id
        if track in self._seen:
            return Outcome(Fate.SKIPPED, entry.label, _DUPLICATE, track=track)
        self._seen.add(track)
        return await self.bringer.bring(entry)

    async def _is_unchanged(self, playlist: Playlist) -> bool:
        """Tell whether nothing is owed of a playlist that is the same as before, and count its places if so."""
        before = await playlists.get(self.pool, playlist.urn)
        if before is None or playlist.snapshot_id is None or before.snapshot_id != playlist.snapshot_id:
            return False
        listed = [track.urn for track in await playlists.tracks_of(self.pool, playlist.urn)]
        standings = await tracks.statuses(self.pool, listed)
        ends = [self.policy.passes_over(standings.get(urn)) for urn in listed]
        if None in ends:
            return False
        for urn, (fate, reason) in zip(listed, filter(None, ends), strict=True):
            self.tally.begun += 1
            self._count(Outcome(fate, urn, reason if fate is Fate.NO_PREVIEW else UNCHANGED), len(listed))
        return True
