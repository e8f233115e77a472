"""Queries over the manifest: which request is still owed for which track or user, whoever makes it."""

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
"""PostgreSQL channel that is notified with the request's name when something new is owed."""

LEASE_DURATION = timedelta(minutes=2)
"""How long a claimed request belongs to its worker; one that died gives it back by then."""


@dataclass(frozen=True, slots=True)
class Task:
    """One request that is owed; `cursor` is where an interrupted one goes on, `attempts` counts this one too."""

    kind: Kind
    urn: str
    request: str
    depth: int = 0
    attempts: int = 0
    cursor: str | None = None


_OWE = """
INSERT INTO manifest (kind, urn, request, depth) SELECT $1, urn, $3, $4 FROM unnest($2::text[]) AS urn
ON CONFLICT (kind, urn, request) DO UPDATE SET depth = least(manifest.depth, EXCLUDED.depth)
"""

_RENEW = """
INSERT INTO manifest (kind, urn, request) VALUES ($1, $2, $3)
ON CONFLICT (kind, urn, request) DO UPDATE SET due_at = now(), attempts = 0, last_error = NULL
WHERE manifest.due_at IS NULL OR manifest.due_at > now()
"""

_NOTIFY = "SELECT pg_notify($1, $2)"

# Never asked first, then the stalest.
_CLAIM = """
UPDATE manifest SET claimed_until = now() + $3, attempts = attempts + 1
WHERE (kind, urn, request) IN (
    SELECT kind, urn, request FROM manifest
    WHERE request = ANY($1) AND due_at <= now() AND (claimed_until IS NULL OR claimed_until < now()) AND depth <= $4
    ORDER BY done_at NULLS FIRST, depth, due_at, urn LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING kind, urn, request, depth, attempts, cursor
"""

_HOLD = """
UPDATE manifest SET claimed_until = now() + $4, cursor = coalesce($5, cursor)
WHERE kind = $1 AND urn = $2 AND request = $3
"""

_DONE = """
UPDATE manifest SET done_at = now(), due_at = now() + $4::interval, claimed_until = NULL, attempts = 0, cursor = NULL,
    last_error = NULL
WHERE kind = $1 AND urn = $2 AND request = $3
"""

_POSTPONE = """
UPDATE manifest SET due_at = $4, claimed_until = NULL, last_error = $5 WHERE kind = $1 AND urn = $2 AND request = $3
"""

_DROP = "DELETE FROM manifest WHERE kind = $1 AND urn = $2"

_OWED = """
SELECT count(*) FILTER (WHERE due_at <= now()) AS due, min(due_at) AS next FROM manifest
WHERE request = ANY($1) AND due_at IS NOT NULL AND depth <= $2
"""

_MAX_DEPTH = 32767


async def enqueue(db: Executor, kind: Kind, urns: Sequence[str], request: str, *, depth: int = 0) -> None:
    """Put requests on the list, `depth` steps from where the walk began; those known keep their place and state."""
    await db.execute(_OWE, kind, list(urns), request, depth)
    await db.execute(_NOTIFY, CHANNEL, request)


async def enqueue_now(db: Executor, kind: Kind, urn: str, request: str) -> None:
    """Let a request be due now, whether it was done, postponed or never known."""
    await db.execute(_RENEW, kind, urn, request)
    await db.execute(_NOTIFY, CHANNEL, request)


async def lease(
    db: Executor,
    requests: Sequence[str],
    *,
    limit: int = 1,
    duration: timedelta = LEASE_DURATION,
    max_depth: int = _MAX_DEPTH,
) -> list[Task]:
    """Take up to `limit` due requests of these names that nobody else holds, none deeper than `max_depth`."""
    return [Task(**row) for row in await db.fetch(_CLAIM, list(requests), limit, duration, max_depth)]


async def extend_lease(
    db: Executor, task: Task, *, cursor: str | None = None, duration: timedelta = LEASE_DURATION
) -> None:
    """Keep a claimed request for another `duration`, and remember how far it has come where `cursor` says so."""
    await db.execute(_HOLD, task.kind, task.urn, task.request, duration, cursor)


async def complete(db: Executor, task: Task, *, repeat_in: timedelta | None = None) -> None:
    """Note that a request was answered; it is owed again after `repeat_in`, or never."""
    await db.execute(_DONE, task.kind, task.urn, task.request, repeat_in)


async def reschedule(db: Executor, task: Task, error: str, due_at: datetime | None) -> None:
    """Note why a request failed; it is due again at `due_at`, or with None never by itself."""
    await db.execute(_POSTPONE, task.kind, task.urn, task.request, due_at, clean(error))


async def remove(db: Executor, kind: Kind, urn: str) -> None:
    """Take everything about a track or user off the list."""
    await db.execute(_DROP, kind, urn)


async def count_due(
    db: Executor, requests: Sequence[str], *, max_depth: int = _MAX_DEPTH
) -> tuple[int, datetime | None]:
    """Return how many requests of these names are due, claimed ones among them, and when the first is or was due."""
    row = await db.fetchrow(_OWED, list(requests), max_depth)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return int(row["due"]), row["next"]
