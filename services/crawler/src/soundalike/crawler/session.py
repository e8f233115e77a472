"""What one call of the command does: connect, crawl one list after the other, and watch if asked to."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console

from soundalike.crawler.console_commands import DATABASE_FAILURES, FAILED, ask, database_failure
from soundalike.crawler.crawl import Crawl
from soundalike.crawler.download import preview_client
from soundalike.crawler.errors import SourceLocked
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.leases import SharedLeases
from soundalike.crawler.library.library_watch import LibraryWatches
from soundalike.crawler.library.scan import LibraryScan, ScanOptions
from soundalike.crawler.policy import CrawlPolicy
from soundalike.crawler.progress import create_display
from soundalike.crawler.schedules import schedule, schedule_scan
from soundalike.crawler.shared_rate_limiter import SharedLimiters
from soundalike.crawler.source_factory import SourceFactory
from soundalike.crawler.sources.registry import FolderPath
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.track_list_file import TrackListFile
from soundalike.crawler.stats import OutcomeStatus
from soundalike.crawler.summary import ignored_line, print_summary
from soundalike.crawler.watcher import Watcher
from soundalike.db import database, identities, libraries, playlists
from soundalike.db.database import CONNECTION_FAILURES, in_transaction
from soundalike.domain.text import escape
from soundalike.http.errors import QuotaExhausted, ServiceError
from soundalike.retry import RetryPolicy
from soundalike.storage.object_store import S3Store
from soundalike.terminal import print_line

if TYPE_CHECKING:
    from soundalike.crawler.leases import Leases
    from soundalike.crawler.progress import ProgressDisplay
    from soundalike.crawler.settings import CrawlerSettings
    from soundalike.crawler.sources.registry import Target
    from soundalike.crawler.sources.source import Source
    from soundalike.db.database import Pool
    from soundalike.domain.file_paths import PathPrefix

EX_TEMPFAIL: Final = 75
"""A service asks for a longer wait than a run waits (sysexits.h)."""

_MAX_CONNECTIONS: Final = 8
_EXTRA_CONNECTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class CrawlOptions:
    """What a person wants: lists and folders, then the library at Spotify, then to go on watching.

    `interval` is how often the lists are to be crawled again: never with zero, as was agreed before with None.
    """

    targets: tuple[Target, ...] = ()
    library: bool = False
    watch: bool = False
    interval: timedelta | None = None
    retry_rejected: bool = False
    retry_missing: bool = False
    scan: ScanOptions = field(default_factory=ScanOptions)
    path_prefix: PathPrefix | None = None


@dataclass(slots=True)
class Session:
    """One call of the command."""

    settings: CrawlerSettings
    options: CrawlOptions
    console: Console
    _limiters: SharedLimiters = field(init=False)

    async def run(self) -> int:
        """Do what was ordered and return the exit status, the worst of all lists."""
        settings = self.settings
        async with AsyncExitStack() as stack:
            try:
                pool = await self._connect(stack)
                has_former = await identities.has_former(pool)
            except DATABASE_FAILURES as error:
                return self._print(database_failure(error))
            client = await stack.enter_async_context(preview_client(settings.crawler_contact))
            leases = await stack.enter_async_context(SharedLeases(pool))
            self._limiters = SharedLimiters(pool)
            sources = stack.enter_context(
                SourceFactory(settings, client, self._limiters, has_former_identities=has_former)
            )
            status = 0
            for target in self.options.targets:
                try:
                    source = await self._source(pool, sources, target)
                except CONNECTION_FAILURES as error:
                    return self._print(database_failure(error))
                status = max(status, await self._crawl(pool, leases, sources, source))
            if self.options.library:
                status = max(status, await self._crawl_library(pool, leases, sources))
            if self.options.watch:
                await self._watch(pool, leases, sources)
        return status

    async def _connect(self, stack: AsyncExitStack) -> Pool:
        url = self.settings.database_url.get_secret_value()
        size = min(self.settings.crawl_concurrency, _MAX_CONNECTIONS) + _EXTRA_CONNECTIONS
        return await stack.enter_async_context(database.connect(url, size=size, retry=RetryPolicy()))

    async def _source(self, pool: Pool, sources: SourceFactory, target: Target) -> Source:
        if isinstance(target, ListFile):
            return sources.create_list(pool, target, self.options.path_prefix)
        if not isinstance(target, FolderPath):
            return sources.create(target)
        root = os.fsencode(await asyncio.to_thread(target.path.resolve))
        subfolder = await in_transaction(pool, lambda db: libraries.register(db, root, watched=target.watched))
        return sources.create_scan(pool, subfolder, self.options.scan)

    async def _crawl_library(self, pool: Pool, leases: Leases, sources: SourceFactory) -> int:
        try:
            library = await sources.create_for_library()
        except ServiceError as error:
            return self._report_failure(error)
        return max([await self._crawl(pool, leases, sources, source) for source in library])

    async def _crawl(self, pool: Pool, leases: Leases, sources: SourceFactory, source: Source) -> int:
        progress = create_display(self.console, source.name)
        crawl = self._new_crawl(pool, leases, sources)
        crawl.listener = progress
        self._limiters.on_pause = progress.report_pause
        try:
            with progress:
                failure = await self._run(crawl, source, progress)
        finally:
            # Also after Ctrl-C.
            with suppress(BrokenPipeError):
                print_summary(Console(), source.name, crawl.stats)
        failed = crawl.stats.count(OutcomeStatus.FAILED)
        if isinstance(source, LibraryScan):
            if source.notice:
                self._print(source.notice)
            if failure is None and crawl.stats.finished == 0:
                self._print(f"there is no music in {source.name}: {ignored_line(crawl.stats)}")
        if isinstance(source, TrackListFile) and not (failure or failed):
            self._print(f"stored as {source.urn}: soundalike recommend --playlist {shlex.quote(str(source.file.path))}")
        try:
            if isinstance(source, LibraryScan):
                await schedule_scan(pool, source.library, failure, failed=failed, interval=self.options.interval)
            elif isinstance(source, TrackListFile):
                await self._schedule_list(pool, source, failure, failed)
            else:
                await schedule(pool, source.name, failure, failed=failed, interval=self.options.interval)
        except CONNECTION_FAILURES as error:
            return self._print(f"the database does not answer: {str(error) or type(error).__name__}")
        return self._report_failure(failure) if failure else FAILED if failed else 0

    async def _schedule_list(
        self, pool: Pool, source: TrackListFile, failure: ServiceError | None, failed: int
    ) -> None:
        if (interval := self.options.interval) is not None:
            path = os.fsencode(source.file.path.absolute()) if interval else None
            await playlists.set_file(pool, source.urn, path, self.options.path_prefix if interval else None)
        await schedule(pool, source.urn, failure, failed=failed, interval=interval)

    async def _run(self, crawl: Crawl, source: Source, progress: ProgressDisplay) -> ServiceError | None:
        if not isinstance(source, LibraryScan):
            return await crawl.run(source)

        def stop_and_ask(question: str) -> bool:
            progress.stop()
            return ask(escape(question))

        can_ask = self.console.is_terminal and sys.stdin.isatty()
        return await source.run(crawl, stop_and_ask if can_ask else None)

    def _new_crawl(self, pool: Pool, leases: Leases, sources: SourceFactory) -> Crawl:
        policy = CrawlPolicy(
            retry_rejected=self.options.retry_rejected,
            retry_missing=self.options.retry_missing,
            no_preview_retry=timedelta(days=self.settings.no_preview_retry_days),
            providers=sources.chain.provider_names,
        )
        ingest = Ingest(pool, S3Store.connect(self.settings), policy, leases)
        return Crawl(pool, ingest, policy, leases, concurrency=self.settings.crawl_concurrency)

    async def _watch(self, pool: Pool, leases: Leases, sources: SourceFactory) -> None:
        watcher = Watcher(
            pool=pool,
            sources=sources,
            new_crawl=lambda: self._new_crawl(pool, leases, sources),
            no_preview_retry=timedelta(days=self.settings.no_preview_retry_days),
            health_file=self.settings.heartbeat_file,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(watcher.run())
            group.create_task(LibraryWatches(pool, watcher.scan).run())

    def _report_failure(self, error: ServiceError) -> int:
        self._print(str(error))
        return EX_TEMPFAIL if isinstance(error, QuotaExhausted | SourceLocked) else FAILED

    def _print(self, text: str) -> int:
        print_line(self.console, text)
        return FAILED
