"""What one call of the command does: connect, crawl one list after the other, and watch if asked to."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
from rich.console import Console

from soundalike.crawler.crawl import Crawl
from soundalike.crawler.download import preview_client
from soundalike.crawler.errors import QuotaSpent, SourceBusy, SourceError
from soundalike.crawler.ingest import Bringer
from soundalike.crawler.leases import SharedClaims
from soundalike.crawler.policy import Policy
from soundalike.crawler.progress import progress_on
from soundalike.crawler.rate_limit_notice import Announcements
from soundalike.crawler.shared_rate_limiter import SharedLimiters
from soundalike.crawler.source_factory import Sourcing
from soundalike.crawler.stats import Fate
from soundalike.crawler.summary import print_closing_table
from soundalike.crawler.watcher import Watch, schedule
from soundalike.db import database
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.retry import RetryPolicy
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from soundalike.crawler.leases import Claims
    from soundalike.crawler.settings import CrawlerSettings
    from soundalike.crawler.sources.registry import Target
    from soundalike.crawler.sources.source import Source
    from soundalike.db.database import Pool

FAILED: Final = 1
EX_TEMPFAIL: Final = 75
"""A service asks for more patience than a run has (sysexits.h)."""

_MOST_CONNECTIONS: Final = 8
_CONNECTIONS_HELD: Final = 2
DATABASE_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_FAILURES, asyncpg.PostgresError, ValueError)
"""What a command ends with in a sentence: away, without the schema, or no address."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants: lists, then the library, then to go on watching.

    `every` is how often the lists are to be crawled again: never with zero, as was agreed before with None.
    """

    targets: tuple[Target, ...] = ()
    library: bool = False
    watch: bool = False
    every: timedelta | None = None
    retry_rejected: bool = False
    retry_missing: bool = False


@dataclass(slots=True)
class Session:
    """One call of the command."""

    settings: CrawlerSettings
    order: Order
    console: Console
    _announcements: Announcements = field(init=False)

    async def run(self) -> int:
        """Do what was ordered and return the exit status, the worst of all lists."""
        settings = self.settings
        async with AsyncExitStack() as stack:
            try:
                pool = await self._connect(stack)
            except DATABASE_FAILURES as error:
                return self._say(f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}")
            client = await stack.enter_async_context(preview_client(settings.crawler_contact))
            claims = await stack.enter_async_context(SharedClaims(pool))
            self._announcements = Announcements(SharedLimiters(pool))
            sourcing = stack.enter_context(Sourcing(settings, client, self._announcements))
            status = 0
            for target in self.order.targets:
                status = max(status, await self._crawl(pool, claims, sourcing, sourcing.source(target)))
            if self.order.library:
                status = max(status, await self._crawl_library(pool, claims, sourcing))
            if self.order.watch:
                await self._watch(pool, claims, sourcing)
        return status

    async def _connect(self, stack: AsyncExitStack) -> Pool:
        url = self.settings.database_url.get_secret_value()
        size = min(self.settings.crawl_concurrency, _MOST_CONNECTIONS) + _CONNECTIONS_HELD
        return await stack.enter_async_context(database.connect(url, size=size, retry=RetryPolicy()))

    async def _crawl_library(self, pool: Pool, claims: Claims, sourcing: Sourcing) -> int:
        try:
            sources = await sourcing.library()
        except SourceError as error:
            return self._stopped(error)
        return max([await self._crawl(pool, claims, sourcing, source) for source in sources])

    async def _crawl(self, pool: Pool, claims: Claims, sourcing: Sourcing, source: Source) -> int:
        progress = progress_on(self.console, source.name)
        crawl = self._new_crawl(pool, claims, sourcing)
        crawl.audience = progress
        self._announcements.waiting = progress.waiting
        try:
            with progress:
                stopped = await crawl.run(source)
        finally:
            # Also after Ctrl-C.
            with suppress(BrokenPipeError):
                print_closing_table(Console(), source.name, crawl.tally)
        failed = crawl.tally.count(Fate.FAILED)
        try:
            await schedule(pool, source.name, stopped, failed=failed, every=self.order.every)
        except CONNECTION_FAILURES as error:
            return self._say(f"the database does not answer: {str(error) or type(error).__name__}")
        return self._stopped(stopped) if stopped else FAILED if failed else 0

    def _new_crawl(self, pool: Pool, claims: Claims, sourcing: Sourcing) -> Crawl:
        policy = Policy(
            retry_rejected=self.order.retry_rejected,
            retry_missing=self.order.retry_missing,
            missing_for=timedelta(days=self.settings.no_preview_retry_days),
            providers=sourcing.chain.providers_on,
        )
        bringer = Bringer(pool, S3Store.connect(self.settings), policy, claims)
        return Crawl(pool, bringer, policy, claims, concurrency=self.settings.crawl_concurrency)

    async def _watch(self, pool: Pool, claims: Claims, sourcing: Sourcing) -> None:
        await Watch(
            pool=pool,
            sourcing=sourcing,
            crawl=lambda: self._new_crawl(pool, claims, sourcing),
            missing_for=timedelta(days=self.settings.no_preview_retry_days),
            heartbeat=self.settings.heartbeat_file,
        ).run()

    def _stopped(self, error: SourceError) -> int:
        self._say(str(error))
        return EX_TEMPFAIL if isinstance(error, QuotaSpent | SourceBusy) else FAILED

    def _say(self, text: str) -> int:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
        return FAILED
