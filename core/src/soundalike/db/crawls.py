"""Crawls that somebody starts from afar: rows that a watching crawler takes up, one at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.db import task_queue
from soundalike.domain.text import clean_or_none
from soundalike.errors import TooManyCrawls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from soundalike.db.database import Connection, Executor

LEASE_S: Final = 60.0
"""How long a running crawl belongs to its crawler without a sign of it; then another one goes on with it."""

MAX_ATTEMPTS: Final = 3
"""How many crawlers may die during a crawl: it may be what kills them."""

MAX_WAITING: Final = 50
"""How many crawls may wait."""

_KEPT: Final = 100


class CrawlState(StrEnum):
    """The state of a crawl."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CrawlSource:
    """What is crawled, exactly one of them: a folder by its path, a library by its id, a list by its URN."""

    folder: bytes | None = None
    library: int | None = None
    playlist: str | None = None


@dataclass(frozen=True, slots=True)
class StoredCrawl:
    """A crawl: `progress` counts the places of its list by how they ended, `error` says why it came to no end.

    `root` is the folder of the library, if it is one that there still is.
    """

    id: int
    source: CrawlSource
    state: CrawlState
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Mapping[str, int] = field(default_factory=dict)
    summary: str | None = None
    error: str | None = None
    root: bytes | None = None


_COLUMNS = """crawls.id, folder, library, playlist, state, requested_at, started_at, ended_at, progress, summary, error,
(SELECT root FROM libraries WHERE libraries.id = crawls.library) AS root"""

_LOCK = "LOCK TABLE crawls IN SHARE ROW EXCLUSIVE MODE"

_SAME = f"""
SELECT {_COLUMNS} FROM crawls WHERE state IN ('waiting', 'running') AND NOT stop_requested
    AND folder IS NOT DISTINCT FROM $1 AND library IS NOT DISTINCT FROM $2 AND playlist IS NOT DISTINCT FROM $3
ORDER BY id LIMIT 1
"""  # noqa: S608 - a constant of this module

_IS_BLOCKED = "SELECT EXISTS (SELECT FROM blocks WHERE urn = $1 OR starts_with($1, urn || ':'))"

_COUNT_WAITING = "SELECT count(*) FROM crawls WHERE state = 'waiting'"

_ADD = f"INSERT INTO crawls (folder, library, playlist) VALUES ($1, $2, $3) RETURNING {_COLUMNS}"  # noqa: S608

_DELETE_OLD = """
DELETE FROM crawls WHERE ended_at IS NOT NULL AND id < (SELECT min(id) FROM (
    SELECT id FROM crawls ORDER BY id DESC LIMIT $1
) AS newest)
"""

_NOTIFY = "SELECT pg_notify($1, 'crawl')"

_GET = f"SELECT {_COLUMNS} FROM crawls WHERE id = $1"  # noqa: S608 - a constant of this module

_NEWEST = f"SELECT {_COLUMNS} FROM crawls ORDER BY id DESC LIMIT $1"  # noqa: S608 - a constant of this module

_GIVE_UP = """
UPDATE crawls SET state = CASE WHEN stop_requested THEN 'stopped' ELSE 'failed' END, ended_at = now(),
    leased_until = NULL, error = CASE WHEN NOT stop_requested THEN $2 END
WHERE state = 'running' AND leased_until <= now() AND (stop_requested OR attempts >= $1)
"""

_DEADLY = (
    f"the crawler ended {MAX_ATTEMPTS} times before this crawl did; see its log for the reason, then start the crawl "
    "again"
)

# Whoever ran it has died, or was stopped and left it to others.
_RESUME = f"""
UPDATE crawls SET leased_until = now() + make_interval(secs => $1), attempts = attempts + 1
WHERE state = 'running' AND leased_until <= now() RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant of this module

_LEASE = f"""
UPDATE crawls SET state = 'running', started_at = now(), attempts = 1, leased_until = now() + make_interval(secs => $1)
WHERE id = (SELECT id FROM crawls WHERE state = 'waiting' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
    AND NOT EXISTS (SELECT FROM crawls WHERE state = 'running')
RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant of this module

_REPORT = """
UPDATE crawls SET progress = $2::jsonb, leased_until = now() + make_interval(secs => $3)
WHERE id = $1 AND state = 'running' RETURNING stop_requested
"""

# Who leaves it in order has not died of it.
_RELEASE = "UPDATE crawls SET leased_until = now(), attempts = attempts - 1 WHERE id = $1 AND state = 'running'"

_END = """
UPDATE crawls SET state = $2, ended_at = now(), leased_until = NULL, progress = $3::jsonb, summary = $4, error = $5
WHERE id = $1 AND state = 'running'
"""

# One that nobody runs is stopped at once.
_STOP = f"""
UPDATE crawls SET stop_requested = true,
    state = CASE WHEN state = 'waiting' OR leased_until <= now() THEN 'stopped' ELSE state END,
    ended_at = CASE WHEN state = 'waiting' OR leased_until <= now() THEN now() END
WHERE id = $1 AND state IN ('waiting', 'running') RETURNING {_COLUMNS}
"""  # noqa: S608 - a constant of this module


async def add(db: Connection, source: CrawlSource) -> StoredCrawl | None:
    """Add a crawl that a watching crawler takes up, or return the one of the same source that is not ended yet.

    Returns None for a list that was forgotten on request. Raises `TooManyCrawls`.
    """
    values = (source.folder, source.library, source.playlist)
    async with db.transaction():
        await db.execute(_LOCK)
        if same := await db.fetchrow(_SAME, *values):
            return _crawl(same)
        if source.playlist is not None and await db.fetchval(_IS_BLOCKED, source.playlist):
            return None
        if await db.fetchval(_COUNT_WAITING) >= MAX_WAITING:
            raise TooManyCrawls(f"{MAX_WAITING} crawls are waiting already")
        await db.execute(_DELETE_OLD, _KEPT)
        row = await db.fetchrow(_ADD, *values)
        assert row is not None  # noqa: S101 - what was inserted is returned
        await db.execute(_NOTIFY, task_queue.CHANNEL)
    return _crawl(row)


async def get(db: Executor, crawl_id: int) -> StoredCrawl | None:
    """Return a crawl, None where there is none with this id."""
    row = await db.fetchrow(_GET, crawl_id)
    return _crawl(row) if row else None


async def newest(db: Executor, *, limit: int) -> list[StoredCrawl]:
    """List crawls, the newest first."""
    return [_crawl(row) for row in await db.fetch(_NEWEST, limit)]


async def lease(db: Executor) -> StoredCrawl | None:
    """Take up a crawl that its crawler has left, or else the one that waits for longest, unless another is running.

    One during which `MAX_ATTEMPTS` crawlers have died has failed; one that was to be stopped is stopped.
    """
    await db.execute(_GIVE_UP, MAX_ATTEMPTS, _DEADLY)
    try:
        row = await db.fetchrow(_RESUME, LEASE_S) or await db.fetchrow(_LEASE, LEASE_S)
    except asyncpg.UniqueViolationError:
        # Another crawler was faster.
        return None
    return _crawl(row) if row else None


async def report(db: Executor, crawl: StoredCrawl, progress: Mapping[str, int]) -> bool:
    """Store the progress of a running crawl and keep it; returns False where it is to be stopped."""
    stop_requested = await db.fetchval(_REPORT, crawl.id, json.dumps(dict(progress)), LEASE_S)
    # A row that is gone was forgotten with its list.
    return stop_requested is False


async def release(db: Executor, crawl: StoredCrawl) -> None:
    """Leave a running crawl to whoever takes it up next."""
    await db.execute(_RELEASE, crawl.id)


async def end(
    db: Executor,
    crawl: StoredCrawl,
    state: CrawlState,
    progress: Mapping[str, int],
    *,
    summary: str | None = None,
    error: str | None = None,
) -> None:
    """Store how a running crawl ended."""
    texts = clean_or_none(summary), clean_or_none(error)
    await db.execute(_END, crawl.id, state.value, json.dumps(dict(progress)), *texts)


async def stop(db: Executor, crawl_id: int) -> StoredCrawl | None:
    """Stop a crawl: at once where nobody runs it, else its crawler does so soon; one that has ended stays as it is.

    Returns None where there is none with this id.
    """
    row = await db.fetchrow(_STOP, crawl_id)
    return _crawl(row) if row else await get(db, crawl_id)


def _crawl(row: asyncpg.Record) -> StoredCrawl:
    return StoredCrawl(
        id=row["id"],
        source=CrawlSource(row["folder"], row["library"], row["playlist"]),
        state=CrawlState(row["state"]),
        requested_at=row["requested_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        progress=json.loads(row["progress"]),
        summary=row["summary"],
        error=row["error"],
        root=row["root"],
    )
