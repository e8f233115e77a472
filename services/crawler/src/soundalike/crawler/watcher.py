"""Watching: lists are crawled again when due, what is started from afar is crawled, requested tracks are fetched."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.library.scan import ScanOptions
from soundalike.crawler.requested_crawl import RequestedCrawl
from soundalike.crawler.schedules import UNKNOWN_WAIT, schedule, schedule_scan
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.stats import OutcomeStatus
from soundalike.crawler.summary import summary_line
from soundalike.db import advisory_locks, crawls, libraries, playlists, task_queue, track_requests, tracks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.libraries import Subfolder
from soundalike.db.tracks import State
from soundalike.domain.file_paths import display_path
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId
from soundalike.http.errors import QuotaExhausted, ServiceError, ServiceRefused
from soundalike.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from soundalike.crawler.crawl import Crawl
    from soundalike.crawler.source_factory import SourceFactory
    from soundalike.crawler.sources.source import Source
    from soundalike.crawler.stats import CrawlStats
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library
    from soundalike.db.playlists import Playlist
    from soundalike.db.task_queue import Task
    from soundalike.errors import SoundalikeError

log = logging.getLogger(__name__)

MAX_TASKS: Final = 4
_POLL_S: Final = 30.0
_LEASE: Final = timedelta(minutes=30)
_RETRY_BACKOFF: Final = Backoff(initial_s=120.0, max_s=86_400.0, jitter=0.0)


@dataclass(slots=True)
class Watcher:
    """One watching crawler of any number; `crawl` makes a run.

    `no_preview_retry` is how long a preview that nobody has is not looked for; `health_file` is touched at every turn.
    """

    pool: Pool
    sources: SourceFactory
    new_crawl: Callable[[], Crawl]
    no_preview_retry: timedelta
    health_file: Path | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _recrawl: asyncio.Task[bool] | None = field(default=None, init=False)
    _requested_crawl: asyncio.Task[None] | None = field(default=None, init=False)

    async def run(self) -> None:
        """Watch until cancelled; a database that goes away is waited for."""
        while True:
            try:
                async with self._notifications() as (wakeup, lost):
                    await self._work(wakeup, lost)
            except CONNECTION_FAILURES as error:
                log.warning("the database does not answer, retrying: %s", str(error) or type(error).__name__)
                await asyncio.sleep(_POLL_S / 10)
            finally:
                await self._cancel_all()

    async def _work(self, wakeup: asyncio.Event, lost: asyncio.Event) -> None:
        while True:
            if lost.is_set():
                # Statements are tried again on other connections, but nothing would be heard any more.
                raise asyncpg.ConnectionDoesNotExistError("the connection that listens was lost")
            wakeup.clear()
            if self.health_file:
                self.health_file.touch()
            for request in await self._lease_tasks():
                self._start(self._tasks, self._run_task(request), wakeup)
            if self._recrawl is None or self._recrawl.done():
                self._recrawl = await self._start_recrawl()
                if self._recrawl:
                    self._recrawl.add_done_callback(lambda _: wakeup.set())
            if self._requested_crawl is None or self._requested_crawl.done():
                self._requested_crawl = await self._start_requested_crawl()
                if self._requested_crawl:
                    self._requested_crawl.add_done_callback(lambda _: wakeup.set())
            pause = await self._wait_s()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wakeup.wait()

    async def _start_recrawl(self) -> asyncio.Task[bool] | None:
        """Begin with the list, or else the library, that is due for longest."""
        if playlist := await playlists.lease_due(self.pool, self.sources.sources_of_lists, duration=_LEASE):
            return asyncio.create_task(self._run_job(playlist.urn, self._crawl_playlist(playlist)))
        if library := await libraries.lease_due(self.pool, duration=_LEASE):
            return asyncio.create_task(self._run_job(display_path(library.root), self._rescan(library)))
        return None

    async def _start_requested_crawl(self) -> asyncio.Task[None] | None:
        """Begin with the crawl that was started from afar first, or go on with one that its crawler left."""
        row = await crawls.lease(self.pool)
        if row is None:
            return None
        return asyncio.create_task(self._run_crawl(RequestedCrawl(self.pool, self.sources, self.new_crawl, row)))

    async def _run_crawl(self, crawl: RequestedCrawl) -> None:
        if not await self._run_job(crawl.name, crawl.run()):
            with suppress(*CONNECTION_FAILURES):
                await crawl.fail("an error in the crawler, whose log says more")

    async def _lease_tasks(self) -> list[Task]:
        free = MAX_TASKS - len(self._tasks)
        return await task_queue.lease(self.pool, [track_requests.TASK], limit=free) if free > 0 else []

    def _start(self, tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None], wakeup: asyncio.Event) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)

        def end(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            wakeup.set()

        task.add_done_callback(end)

    async def _wait_s(self) -> float:
        pauses = [_POLL_S]
        if self._recrawl is None or self._recrawl.done():
            for seconds in (
                await playlists.seconds_to_next(self.pool, self.sources.sources_of_lists),
                await libraries.seconds_to_next(self.pool),
            ):
                pauses += [max(0.0, seconds)] if seconds is not None else []
        _, next_task_at = await task_queue.count_due(self.pool, [track_requests.TASK])
        if next_task_at is not None and len(self._tasks) < MAX_TASKS:
            seconds = (next_task_at - datetime.now(UTC)).total_seconds()
            # One that is due and was not claimed belongs to somebody else.
            pauses += [seconds] if seconds > 0 else []
        return min(pauses)

    @asynccontextmanager
    async def _notifications(self) -> AsyncIterator[tuple[asyncio.Event, asyncio.Event]]:
        woken, lost = asyncio.Event(), asyncio.Event()
        async with self.pool.acquire() as connection:

            def wake(*_: object) -> None:
                woken.set()

            def lose(*_: object) -> None:
                lost.set()
                woken.set()

            await connection.add_listener(task_queue.CHANNEL, wake)
            await advisory_locks.share(connection, advisory_locks.WATCHER)
            connection.add_termination_listener(lose)
            log.info(
                "watching: requested tracks are fetched at once, and %d lists and %d folders are crawled again when "
                "they are due (crawl --every HOURS <list> adds one)",
                await playlists.count_subscribed(connection, self.sources.sources_of_lists),
                await libraries.count_subscribed(connection),
            )
            try:
                yield woken, lost
            finally:
                with suppress(*CONNECTION_FAILURES):
                    connection.remove_termination_listener(lose)
                    await connection.remove_listener(task_queue.CHANNEL, wake)

    async def _cancel_all(self) -> None:
        running = [*self._tasks, *filter(None, (self._recrawl, self._requested_crawl))]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._recrawl = self._requested_crawl = None

    async def _run_job(self, urn: str, job: Awaitable[None]) -> bool:
        """Run a job, the outermost place of a worker; returns False after an error in the code."""
        try:
            await job
        except CONNECTION_FAILURES as error:
            log.warning("%s is crawled later, the database does not answer: %s", urn, error)
        except Exception:
            log.exception("%s failed with an unexpected error", urn)
            return False
        return True

    async def _run_task(self, request: Task) -> None:
        try:
            completed = await self._run_job(request.urn, self._fetch(request))
        except asyncio.CancelledError:
            with suppress(*CONNECTION_FAILURES):
                await task_queue.reschedule(self.pool, request, "the crawler was stopped", datetime.now(UTC))
            raise
        if not completed:
            with suppress(*CONNECTION_FAILURES):
                await task_queue.reschedule(self.pool, request, "an error in the crawler", self._retry_at(request))

    async def _fetch(self, request: Task) -> None:
        async with self._extended_lease(request):
            await self._crawl_track(request)

    async def _crawl_track(self, request: Task) -> None:
        crawl = self.new_crawl()
        try:
            source = self.sources.create_for_track(TrackId.from_urn(request.urn))
        except (InvalidTrackId, InvalidTarget, ServiceError) as error:
            await self._give_up(request, str(error))
            return
        failure = await crawl.run(source)
        log.info("%s: %s", request.urn, failure or summary_line(crawl.stats))
        if isinstance(failure, ServiceRefused):
            await self._give_up(request, str(failure))
        elif failure or crawl.stats.count(OutcomeStatus.FAILED):
            reason, again_at = str(failure) if failure else _reason(crawl.stats), self._retry_at(request, failure)
            await tracks.set_reason(
                self.pool, TrackId.from_urn(request.urn), f"{reason}; next attempt at {again_at:%H:%M} UTC"
            )
            await task_queue.reschedule(self.pool, request, reason, again_at)
        else:
            await self._complete(request, crawl)

    async def _complete(self, request: Task, crawl: Crawl) -> None:
        track = TrackId.from_urn(request.urn)
        status = await tracks.status(self.pool, track)
        if status and status.state is State.PENDING:
            # The service has something else under this id, such as what is left of a track that was taken down.
            await tracks.mark_no_preview(self.pool, track, _reason(crawl.stats))
        missing = status is not None and status.state in {State.PENDING, State.NO_PREVIEW}
        await task_queue.complete(self.pool, request, repeat_in=self.no_preview_retry if missing else None)

    async def _give_up(self, request: Task, reason: str) -> None:
        with suppress(InvalidTrackId):
            await tracks.mark_no_preview(self.pool, TrackId.from_urn(request.urn), reason)
        await task_queue.reschedule(self.pool, request, reason, None)

    def _retry_at(self, request: Task, failure: ServiceError | None = None) -> datetime:
        pause = timedelta(seconds=_RETRY_BACKOFF.delay_s(request.attempts))
        if isinstance(failure, QuotaExhausted):
            pause = timedelta(seconds=failure.wait_s) if failure.wait_s is not None else UNKNOWN_WAIT
        return datetime.now(UTC) + pause

    @asynccontextmanager
    async def _extended_lease(self, request: Task) -> AsyncIterator[None]:
        async def hold() -> None:
            while True:
                await asyncio.sleep(task_queue.LEASE_DURATION.total_seconds() / 3)
                with suppress(*CONNECTION_FAILURES):
                    await task_queue.extend_lease(self.pool, request)

        holding = asyncio.create_task(hold())
        try:
            yield
        finally:
            holding.cancel()

    async def _crawl_playlist(self, playlist: Playlist) -> None:
        crawl = self.new_crawl()
        failure: SoundalikeError | None
        try:
            failure = await crawl.run(await self._source(playlist.urn))
        except (InvalidTarget, ServiceRefused) as error:
            failure = error
        log.info("%s: %s", playlist.urn, failure or summary_line(crawl.stats))
        await schedule(self.pool, playlist.urn, failure, failed=crawl.stats.count(OutcomeStatus.FAILED))

    async def _source(self, urn: str) -> Source:
        file = await playlists.file_of(self.pool, urn)
        if file is None:
            return self.sources.create_for_playlist(urn)
        path, prefix = file
        return self.sources.create_list(self.pool, ListFile.from_path(Path(os.fsdecode(path))), prefix)

    async def scan(self, subfolder: Subfolder) -> ServiceError | None:
        """Scan a library or a folder of it, log the result, and return what ended the scan early."""
        crawl = self.new_crawl()
        scan = self.sources.create_scan(self.pool, subfolder, ScanOptions())
        failure = await scan.run(crawl)
        log.info("%s: %s", scan.name, failure or summary_line(crawl.stats))
        if scan.notice:
            log.warning("%s", scan.notice)
        if not subfolder.path:
            failed = crawl.stats.count(OutcomeStatus.FAILED)
            await schedule_scan(self.pool, subfolder.library, failure, failed=failed)
        return failure

    async def _rescan(self, library: Library) -> None:
        await self.scan(Subfolder(library))


def _reason(stats: CrawlStats) -> str:
    """Say how the one place of a list ended."""
    return next(
        (reason for status in OutcomeStatus for reason in stats.by_reason[status] if reason), summary_line(stats)
    )
