"""One run of `crawl soundcloud`: connect, walk, report in a table and in one line for machines."""

from __future__ import annotations

import json
import logging
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from soundalike import soundcloud
from soundalike.crawler.download import Downloader, preview_client
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.leases import SharedLeases
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.shared_rate_limiter import SharedLimiters
from soundalike.crawler.tag_reader import TagReader
from soundalike.crawler.walk.limits import Bounds, Budget, BudgetExhausted
from soundalike.crawler.walk.previews import PreviewIngest, SoundCloudPreviews
from soundalike.crawler.walk.walker import Walk
from soundalike.db import database, users
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.domain.text import escape
from soundalike.http.errors import QuotaExhausted, ServiceError
from soundalike.retry import RetryPolicy
from soundalike.soundcloud.access_tokens import FileTokenStore, MemoryTokenStore
from soundalike.storage.object_store import S3Store
from soundalike.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from soundalike.crawler.walk.settings import SoundCloudSettings
    from soundalike.crawler.walk.walker import WalkStats
    from soundalike.db.database import Pool

log = logging.getLogger(__name__)

FAILED: Final = 1
EX_TEMPFAIL: Final = 75
_EXTRA_CONNECTIONS: Final = 2
_DATABASE_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_FAILURES, asyncpg.PostgresError, ValueError)


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """Where walks begin (addresses of soundcloud.com), how deep they go, and how many requests they may make."""

    starts: Sequence[str]
    depth: int
    budget: int


async def walk(settings: SoundCloudSettings, options: WalkOptions, console: Console) -> int:
    """Walk and return the exit status: 0, 1 for what went wrong, 75 when SoundCloud asks for a long wait."""
    async with AsyncExitStack() as stack:
        try:
            pool = await stack.enter_async_context(
                database.connect(
                    settings.database_url.get_secret_value(),
                    size=settings.crawl_concurrency + _EXTRA_CONNECTIONS,
                    retry=RetryPolicy(),
                )
            )
        except _DATABASE_FAILURES as error:
            return _print(console, f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}")
        walk_run = await _open(settings, options, pool, stack)
        status = await _run(walk_run, options, console)
        expired = await users.delete_unseen(pool, timedelta(days=settings.soundcloud_retention_days))
    console.print(stats_table(walk_run.stats))
    # Machines read this line, so its keys stay as they are.
    counts = asdict(walk_run.stats)
    counts |= {"owed": counts.pop("pending"), "reasons": dict(walk_run.stats.reasons)}
    counts |= {"expired": len(expired), "status": status}
    log.info("walked: %s", json.dumps(counts))
    return status


async def _open(settings: SoundCloudSettings, options: WalkOptions, pool: Pool, stack: AsyncExitStack) -> Walk:
    access = settings.access()
    limiter = Budget(SharedLimiters(pool)(settings.rate_limit), options.budget)
    store = FileTokenStore(access.token_file) if access.token_file else MemoryTokenStore()
    connection = await stack.enter_async_context(
        soundcloud.connect(
            access.account,
            contact=settings.crawler_contact,
            url=access.api_url,
            token_url=access.token_url,
            store=store,
            limiter=limiter,
        )
    )
    bounds = Bounds(
        depth=options.depth,
        likes_of_user=settings.soundcloud_likes_of_user,
        likers_of_track=settings.soundcloud_likers_of_track,
        revisit_after=timedelta(days=settings.soundcloud_again_days),
    )
    preview_ingest = None
    if settings.soundcloud_previews == "yes":
        client = await stack.enter_async_context(preview_client(settings.crawler_contact))
        tag_reader = stack.enter_context(TagReader())
        chain = PreviewChain([SoundCloudPreviews(connection, access.hosts)], Downloader(client), tag_reader)
        leases = await stack.enter_async_context(SharedLeases(pool))
        preview_ingest = PreviewIngest(pool, Ingest(pool, S3Store.connect(settings), leases=leases), chain)
    return Walk(pool, connection, bounds, workers=settings.crawl_concurrency, preview_ingest=preview_ingest)


async def _run(walk_run: Walk, options: WalkOptions, console: Console) -> int:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("walking")

        class _Listener:
            def report(self, stats: WalkStats) -> None:
                text = f"{stats.requests} of {options.budget} requests, {stats.lists} lists, {stats.rows} rows"
                progress.update(task, description=text)

        walk_run.listener = _Listener()
        try:
            for start in options.starts:
                log.info("starting from %s", await walk_run.start(start))
            await walk_run.run()
        except BudgetExhausted:
            return 0
        except QuotaExhausted as error:
            _print(console, str(error))
            return EX_TEMPFAIL
        except ServiceError as error:
            return _print(console, str(error))
        except CONNECTION_FAILURES as error:
            return _print(console, f"the database does not answer: {str(error) or type(error).__name__}")
    return 0


def stats_table(stats: WalkStats) -> Table:
    """Lay out what a walk did."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("requests made", str(stats.requests))
    table.add_row("lists read completely", str(stats.lists))
    table.add_row("likes and likers seen", str(stats.rows))
    if stats.previews:
        table.add_row("previews uploaded", str(stats.previews))
    if stats.unreadable:
        table.add_row("rows that could not be read", str(stats.unreadable))
    for reason, count in stats.reasons.most_common():
        table.add_row(Text(f"not read: {escape(reason)}"), str(count), style="dim")
    table.add_row("lists still to be read", str(stats.pending))
    return table


def _print(console: Console, text: str) -> int:
    print_line(console, text)
    return FAILED
