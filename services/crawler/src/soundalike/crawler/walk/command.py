"""One call of `crawl soundcloud`: connect, walk, say what was done in a table and in one line for machines."""

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

from soundalike import soundcloud
from soundalike.crawler.download import Downloader, preview_client
from soundalike.crawler.errors import QuotaSpent
from soundalike.crawler.ingest import Bringer
from soundalike.crawler.leases import SharedClaims
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.shared_rate_limiter import SharedLimiters
from soundalike.crawler.walk.limits import Bounds, Budget, BudgetSpent
from soundalike.crawler.walk.previews import Previewing, SoundCloudPreviews
from soundalike.crawler.walk.walker import Walk
from soundalike.db import database, users
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.retry import RetryPolicy
from soundalike.soundcloud.access_tokens import FileTokenStore, MemoryTokenStore
from soundalike.soundcloud.errors import ScError
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from soundalike.crawler.walk.settings import SoundCloudSettings
    from soundalike.crawler.walk.walker import Counts
    from soundalike.db.database import Pool

log = logging.getLogger(__name__)

FAILED: Final = 1
EX_TEMPFAIL: Final = 75
_CONNECTIONS_HELD: Final = 2
_DATABASE_FAILURES: tuple[type[Exception], ...] = (*CONNECTION_FAILURES, asyncpg.PostgresError, ValueError)


@dataclass(frozen=True, slots=True)
class Journey:
    """Where walks begin (addresses of soundcloud.com), how deep they go, and how many requests they may make."""

    starts: Sequence[str]
    depth: int
    budget: int


async def walk(settings: SoundCloudSettings, journey: Journey, console: Console) -> int:
    """Walk and return the exit status: 0, 1 for what went wrong, 75 when SoundCloud asks for more patience."""
    async with AsyncExitStack() as stack:
        try:
            pool = await stack.enter_async_context(
                database.connect(
                    settings.database_url.get_secret_value(),
                    size=settings.crawl_concurrency + _CONNECTIONS_HELD,
                    retry=RetryPolicy(),
                )
            )
        except _DATABASE_FAILURES as error:
            return _say(console, f"the database (DATABASE_URL) cannot be used: {str(error) or type(error).__name__}")
        one = await _open(settings, journey, pool, stack)
        status = await _through(one, journey, console)
        expired = await users.expire(pool, timedelta(days=settings.soundcloud_retention_days))
    console.print(_table(one.counts))
    done = {**asdict(one.counts), "reasons": dict(one.counts.reasons), "expired": len(expired), "status": status}
    log.info("walked: %s", json.dumps(done))
    return status


async def _open(settings: SoundCloudSettings, journey: Journey, pool: Pool, stack: AsyncExitStack) -> Walk:
    access = settings.access()
    pace = Budget(SharedLimiters(pool)(settings.allowance), journey.budget)
    store = FileTokenStore(access.token_file) if access.token_file else MemoryTokenStore()
    connection = await stack.enter_async_context(
        soundcloud.connect(
            access.account,
            contact=settings.crawler_contact,
            url=access.api_url,
            token_url=access.token_url,
            store=store,
            pace=pace,
        )
    )
    bounds = Bounds(
        depth=journey.depth,
        likes_of_user=settings.soundcloud_likes_of_user,
        likers_of_track=settings.soundcloud_likers_of_track,
        again_in=timedelta(days=settings.soundcloud_again_days),
    )
    previewing = None
    if settings.soundcloud_previews == "yes":
        client = await stack.enter_async_context(preview_client(settings.crawler_contact))
        chain = PreviewChain([SoundCloudPreviews(connection, access.hosts)], Downloader(client))
        claims = await stack.enter_async_context(SharedClaims(pool))
        previewing = Previewing(pool, Bringer(pool, S3Store.connect(settings), claims=claims), chain)
    return Walk(pool, connection, bounds, workers=settings.crawl_concurrency, previewing=previewing)


async def _through(one: Walk, journey: Journey, console: Console) -> int:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("walking")

        class Told:
            def walked(self, count: Counts) -> None:
                text = f"{count.requests} of {journey.budget} requests, {count.lists} lists, {count.rows} rows"
                progress.update(task, description=text)

        one.audience = Told()
        try:
            for start in journey.starts:
                log.info("starting from %s", await one.begin(start))
            await one.run()
        except BudgetSpent:
            return 0
        except QuotaSpent as error:
            _say(console, str(error))
            return EX_TEMPFAIL
        except ScError as error:
            return _say(console, str(error))
        except CONNECTION_FAILURES as error:
            return _say(console, f"the database does not answer: {str(error) or type(error).__name__}")
    return 0


def _table(counts: Counts) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("requests made", str(counts.requests))
    table.add_row("lists read to their end", str(counts.lists))
    table.add_row("likes and likers seen", str(counts.rows))
    if counts.previews:
        table.add_row("previews brought", str(counts.previews))
    if counts.unreadable:
        table.add_row("rows that could not be read", str(counts.unreadable))
    for reason, count in counts.reasons.most_common():
        table.add_row(f"not read: {reason}", str(count), style="dim")
    table.add_row("lists still owed", str(counts.owed))
    return table


def _say(console: Console, text: str) -> int:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    return FAILED
