"""The queue of tasks: which request is due for which track or user; the table is called manifest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from soundalike.db.database import Executor

    Kind = Literal["track", "user"]

CHANNEL = "manifest"
"""PostgreSQL channel notified with the name of the request when a task is added."""

LEASE_DURATION = timedelta(minutes=2)
"""How long a leased task belongs to its worker; the task of one that died is free again by then."""


@dataclass(frozen=True, slots=True)
class Task:
    """A request to make; `cursor` is where an interrupted one continues, `attempts` includes this one."""

    kind: Kind
    urn: str
    request: str
    depth: int = 0
    attempts: int = 0
    cursor: str | None = None


# Who or what was forgotten is asked about no more.
_NOT_FORGOTTEN = """NOT EXISTS (SELECT FROM blocks b WHERE b.urn = subjects.urn)
    AND NOT EXISTS (SELECT FROM tracks t WHERE t.urn = subjects.urn AND t.state = 'forgotten')"""

# In one order, so that two walks that add the same tasks do not deadlock.
_ENQUEUE = f"""
INSERT INTO manifest (kind, urn, request, depth)
SELECT $1, subjects.urn, $3, $4 FROM unnest($2::text[]) AS subjects (urn) WHERE {_NOT_FORGOTTEN}
ORDER BY subjects.urn
ON CONFLICT (kind, urn, request) DO UPDATE SET depth = least(manifest.depth, EXCLUDED.depth)
"""  # noqa: S608 - a constant of this module

_ENQUEUE_NOW = f"""
INSERT INTO manifest (kind, urn, request)
SELECT $1, subjects.urn, $3 FROM (SELECT $2::text) AS subjects (urn) WHERE {_NOT_FORGOTTEN}
ON CONFLICT (kind, urn, request) DO UPDATE SET due_at = now(), attempts = 0, last_error = NULL
WHERE manifest.due_at IS NULL OR manifest.due_at > now()
"""  # noqa: S608 - a constant of this module

_REOPEN = """
UPDATE manifest SET due_at = now() + $4::interval, attempts = 0, last_error = NULL
WHERE kind = $1 AND urn = $2 AND request = $3 AND (due_at IS NULL OR due_at > now() + $4::interval)
"""

_NOTIFY = "SELECT pg_notify($1, $2)"

# New tasks first, then those done longest ago.
_LEASE = """
UPDATE manifest SET claimed_until = now() + $3, attempts = attempts + 1
WHERE (kind, urn, request) IN (
    SELECT kind, urn, request FROM manifest
    WHERE request = ANY($1) AND due_at <= now() AND (claimed_until IS NULL OR claimed_until < now()) AND depth <= $4
    ORDER BY done_at NULLS FIRST, depth, due_at, urn LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING kind, urn, request, depth, attempts, cursor
"""

_EXTEND = """
UPDATE manifest SET claimed_until = now() + $4, cursor = coalesce($5, cursor)
WHERE kind = $1 AND urn = $2 AND request = $3
"""

_COMPLETE = """
UPDATE manifest SET done_at = now(), due_at = now() + $4::interval, claimed_until = NULL, attempts = 0, cursor = NULL,
    last_error = NULL
WHERE kind = $1 AND urn = $2 AND request = $3
"""

_RESCHEDULE = """
UPDATE manifest SET due_at = $4, claimed_until = NULL, last_error = $5 WHERE kind = $1 AND urn = $2 AND request = $3
"""

_REMOVE = "DELETE FROM manifest WHERE kind = $1 AND urn = $2"

_COUNT_DUE = """
SELECT count(*) FILTER (WHERE due_at <= now()) AS due, min(due_at) AS next FROM manifest
WHERE request = ANY($1) AND due_at IS NOT NULL AND depth <= $2
"""

_MAX_DEPTH = 32767


async def enqueue(db: Executor, kind: Kind, urns: Sequence[str], request: str, *, depth: int = 0) -> None:
    """Add tasks, `depth` steps from where the walk began; existing ones keep their place and state.

    None is added for what is forgotten or blocked.
    """
    await db.execute(_ENQUEUE, kind, list(dict.fromkeys(urns)), request, depth)
    await db.execute(_NOTIFY, CHANNEL, request)


async def enqueue_now(db: Executor, kind: Kind, urn: str, request: str) -> None:
    """Make a task due now, whether it was done, rescheduled or never added; none for what is forgotten or blocked."""
    await db.execute(_ENQUEUE_NOW, kind, urn, request)
    await db.execute(_NOTIFY, CHANNEL, request)


async def reopen(db: Executor, kind: Kind, urn: str, request: str, *, due_in: timedelta) -> None:
    """Make a task due in that time at the latest if it was ever added."""
    await db.execute(_REOPEN, kind, urn, request, due_in)
    await db.execute(_NOTIFY, CHANNEL, request)


async def lease(
    db: Executor,
    requests: Sequence[str],
    *,
    limit: int = 1,
    duration: timedelta = LEASE_DURATION,
    max_depth: int = _MAX_DEPTH,
) -> list[Task]:
    """Lease up to `limit` due tasks of these requests that nobody else has leased, none deeper than `max_depth`."""
    return [Task(**row) for row in await db.fetch(_LEASE, list(requests), limit, duration, max_depth)]


async def extend_lease(
    db: Executor, task: Task, *, cursor: str | None = None, duration: timedelta = LEASE_DURATION
) -> None:
    """Extend the lease of a task by `duration` from now, and store its progress where there is a `cursor`."""
    await db.execute(_EXTEND, task.kind, task.urn, task.request, duration, cursor)


async def complete(db: Executor, task: Task, *, repeat_in: timedelta | None = None) -> None:
    """Mark a task as done; it is due again after `repeat_in`, or never."""
    await db.execute(_COMPLETE, task.kind, task.urn, task.request, repeat_in)


async def reschedule(db: Executor, task: Task, error: str, due_at: datetime | None) -> None:
    """Store why a task failed; it is due again at `due_at`, or with None never by itself."""
    await db.execute(_RESCHEDULE, task.kind, task.urn, task.request, due_at, clean(error))


async def remove(db: Executor, kind: Kind, urn: str) -> None:
    """Remove all tasks of a track or user."""
    await db.execute(_REMOVE, kind, urn)


async def count_due(
    db: Executor, requests: Sequence[str], *, max_depth: int = _MAX_DEPTH
) -> tuple[int, datetime | None]:
    """Return how many tasks of these requests are due, leased ones included, and when the first is or was due."""
    row = await db.fetchrow(_COUNT_DUE, list(requests), max_depth)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return int(row["due"]), row["next"]
