"""Watching: lists are crawled again when they are due, and tracks that somebody asks for are fetched at once."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import CrawlerError, InvalidTarget, QuotaSpent, SourceBusy, SourceRefused
from soundalike.crawler.stats import Fate
from soundalike.crawler.summary import in_a_line
from soundalike.db import playlists, task_queue, track_requests, tracks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from soundalike.crawler.crawl import Crawl
    from soundalike.crawler.errors import SourceError
    from soundalike.crawler.source_factory import Sourcing
    from soundalike.crawler.stats import Tally
    from soundalike.db.database import Pool
    from soundalike.db.playlists import Playlist
    from soundalike.db.task_queue import Task

log = logging.getLogger(__name__)

ERRANDS_AT_A_TIME: Final = 4
_LOOK_AGAIN_S: Final = 30.0
_LEASE: Final = timedelta(minutes=30)
_BUSY: Final = timedelta(minutes=10)
_UNKNOWN_WAIT: Final = timedelta(hours=1)
_LAST_RETRY: Final = timedelta(days=1)


@dataclass(slots=True)
class Watch:
    """One watching crawler of any number; `crawl` makes a run.

    `missing_for` is how long a preview that nobody has is not looked for; `heartbeat` is touched at every turn.
    """

    pool: Pool
    sourcing: Sourcing
    crawl: Callable[[], Crawl]
    missing_for: timedelta
    heartbeat: Path | None = None
    _errands: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _recrawl: asyncio.Task[None] | None = field(default=None, init=False)

    async def run(self) -> None:
        """Watch until cancelled; a database that goes away is waited for."""
        while True:
            try:
                async with self._listening() as woken:
                    await self._take_turns(woken)
            except CONNECTION_FAILURES as error:
                log.warning("the database does not answer, trying again: %s", str(error) or type(error).__name__)
                await asyncio.sleep(_LOOK_AGAIN_S / 10)
            finally:
                await self._end_all()

    async def _take_turns(self, woken: asyncio.Event) -> None:
        while True:
            woken.clear()
            if self.heartbeat:
                self.heartbeat.touch()
            for errand in await self._claim_errands():
                self._start(self._errands, self._run_errand(errand), woken)
            if self._recrawl is None or self._recrawl.done():
                due = await playlists.lease_due(self.pool, self.sourcing.services, duration=_LEASE)
                if due:
                    self._recrawl = asyncio.create_task(self._crawl_again(due))
                    self._recrawl.add_done_callback(lambda _: woken.set())
            pause = await self._pause()
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), pause)

    async def _claim_errands(self) -> list[Task]:
        free = ERRANDS_AT_A_TIME - len(self._errands)
        return await task_queue.lease(self.pool, [track_requests.TASK], limit=free) if free > 0 else []

    def _start(self, tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None], woken: asyncio.Event) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)

        def end(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            woken.set()

        task.add_done_callback(end)

    async def _pause(self) -> float:
        pauses = [_LOOK_AGAIN_S]
        if self._recrawl is None or self._recrawl.done():
            next_list = await playlists.seconds_to_next(self.pool, self.sourcing.services)
            pauses += [max(0.0, next_list)] if next_list is not None else []
        _, next_errand = await task_queue.count_due(self.pool, [track_requests.TASK])
        if next_errand is not None and len(self._errands) < ERRANDS_AT_A_TIME:
            seconds = (next_errand - datetime.now(UTC)).total_seconds()
            # One that is due and was not claimed belongs to somebody else.
            pauses += [seconds] if seconds > 0 else []
        return min(pauses)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Event]:
        woken = asyncio.Event()
        async with self.pool.acquire() as connection:

            def wake(*_: object) -> None:
                woken.set()

            await connection.add_listener(task_queue.CHANNEL, wake)
            # A statement on another connection then finds out why.
            connection.add_termination_listener(wake)
            log.info(
                "watching: what people ask for is fetched at once, and %d lists are crawled again when they are due "
                "(crawl --every HOURS <list> adds one)",
                await playlists.count_subscribed(connection, self.sourcing.services),
            )
            try:
                yield woken
            finally:
                with suppress(*CONNECTION_FAILURES):
                    connection.remove_termination_listener(wake)
                    await connection.remove_listener(task_queue.CHANNEL, wake)

    async def _end_all(self) -> None:
        running = [*self._errands, *([self._recrawl] if self._recrawl else [])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._recrawl = None

    async def _run_errand(self, errand: Task) -> None:
        try:
            async with self._held(errand):
                await self._fetch(errand)
        except asyncio.CancelledError:
            with suppress(*CONNECTION_FAILURES):
                await task_queue.reschedule(self.pool, errand, "the crawler was stopped", datetime.now(UTC))
            raise
        except CONNECTION_FAILURES as error:
            log.warning("%s stays on the list, the database does not answer: %s", errand.urn, error)
        except Exception:
            log.exception("%s failed in a way that nobody thought of", errand.urn)
            with suppress(*CONNECTION_FAILURES):
                await task_queue.reschedule(self.pool, errand, "an error in the crawler", self._later(errand))

    async def _fetch(self, errand: Task) -> None:
        crawl = self.crawl()
        try:
            source = self.sourcing.track(TrackId.from_urn(errand.urn))
        except (InvalidTrackId, CrawlerError) as error:
            await self._give_up(errand, str(error))
            return
        stopped = await crawl.run(source)
        log.info("%s: %s", errand.urn, stopped or in_a_line(crawl.tally))
        if isinstance(stopped, SourceRefused):
            await self._give_up(errand, str(stopped))
        elif stopped or crawl.tally.count(Fate.FAILED):
            why, again_at = str(stopped) if stopped else _reason(crawl.tally), self._later(errand, stopped)
            await tracks.set_reason(
                self.pool, TrackId.from_urn(errand.urn), f"{why}; tried again at {again_at:%H:%M} UTC"
            )
            await task_queue.reschedule(self.pool, errand, why, again_at)
        else:
            await self._settle(errand, crawl)

    async def _settle(self, errand: Task, crawl: Crawl) -> None:
        track = TrackId.from_urn(errand.urn)
        standing = await tracks.status(self.pool, track)
        if standing and standing.state is State.PENDING:
            # The service has something else under this id, such as what is left of a track that was taken down.
            await tracks.mark_no_preview(self.pool, track, _reason(crawl.tally))
        missing = standing is not None and standing.state in {State.PENDING, State.NO_PREVIEW}
        await task_queue.complete(self.pool, errand, repeat_in=self.missing_for if missing else None)

    async def _give_up(self, errand: Task, why: str) -> None:
        with suppress(InvalidTrackId):
            await tracks.mark_no_preview(self.pool, TrackId.from_urn(errand.urn), why)
        await task_queue.reschedule(self.pool, errand, why, None)

    def _later(self, errand: Task, stopped: SourceError | None = None) -> datetime:
        pause = min(timedelta(minutes=2.0 ** min(errand.attempts, 20)), _LAST_RETRY)
        if isinstance(stopped, QuotaSpent):
            pause = timedelta(seconds=stopped.wait_s) if stopped.wait_s is not None else _UNKNOWN_WAIT
        return datetime.now(UTC) + pause

    @asynccontextmanager
    async def _held(self, errand: Task) -> AsyncIterator[None]:
        async def hold() -> None:
            while True:
                await asyncio.sleep(task_queue.LEASE_DURATION.total_seconds() / 3)
                with suppress(*CONNECTION_FAILURES):
                    await task_queue.extend_lease(self.pool, errand)

        holding = asyncio.create_task(hold())
        try:
            yield
        finally:
            holding.cancel()

    async def _crawl_again(self, playlist: Playlist) -> None:
        try:
            await self._run_list(playlist)
        except CONNECTION_FAILURES as error:
            log.warning("%s is crawled later, the database does not answer: %s", playlist.urn, error)
        except Exception:
            log.exception("%s failed in a way that nobody thought of", playlist.urn)

    async def _run_list(self, playlist: Playlist) -> None:
        crawl = self.crawl()
        stopped: CrawlerError | None
        try:
            stopped = await crawl.run(self.sourcing.stored(playlist.urn))
        except (InvalidTarget, SourceRefused) as error:
            stopped = error
        log.info("%s: %s", playlist.urn, stopped or in_a_line(crawl.tally))
        await schedule(self.pool, playlist.urn, stopped, failed=crawl.tally.count(Fate.FAILED))


def _reason(tally: Tally) -> str:
    """Say how the one place of a list ended."""
    return next((reason for fate in Fate for reason in tally.by_reason[fate] if reason), in_a_line(tally))


async def schedule(
    pool: Pool, urn: str, stopped: CrawlerError | None, *, failed: int, every: timedelta | None = None
) -> None:
    """Say when a list that was crawled is due again, if it is: sooner where the run did not come to its end.

    `every` is how often from now on (see `db.playlists.schedule`).
    """
    sooner = not_before = None
    match stopped:
        case QuotaSpent(wait_s=wait_s) if wait_s is not None:
            sooner = not_before = timedelta(seconds=wait_s)
        case SourceBusy():
            sooner = _BUSY
        case SourceRefused() | InvalidTarget():
            pass
        case _:
            sooner = _UNKNOWN_WAIT if stopped or failed else None
    error = str(stopped) if stopped else None
    await playlists.schedule(pool, urn, every, retry_in=sooner, not_before=not_before, error=error)
