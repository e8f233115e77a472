"""Token buckets shared by all processes: how often a service may be called, counted by the clock of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Executor
    from soundalike.http.rate_limiter import RateLimit

AHEAD_S = 2.0
"""How far ahead tokens are taken, in seconds; a pause that a service asks for reaches every process in that time."""

# `next_at` is the time of the bucket's next token without saved ones; of those, `burst` count (the generic cell rate
# algorithm). The lock of the row puts concurrent takers in a queue.
_TAKE = """
UPDATE allowances SET next_at = greatest(next_at, clock_timestamp()) + make_interval(secs => $2::float8 * $3::float8)
WHERE service = $1 AND next_at <= clock_timestamp() + make_interval(secs => $4::float8)
RETURNING extract(epoch FROM next_at - clock_timestamp())::float8
"""

_NEXT = """
INSERT INTO allowances (service) VALUES ($1)
ON CONFLICT (service) DO UPDATE SET service = EXCLUDED.service
RETURNING greatest(extract(epoch FROM next_at - clock_timestamp()), 0)::float8
"""

_EMPTY = """
INSERT INTO allowances (service, next_at) VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8))
ON CONFLICT (service) DO UPDATE SET next_at = greatest(allowances.next_at, EXCLUDED.next_at)
"""


async def take(db: Executor, limit: RateLimit, count: int) -> float | None:
    """Take `count` tokens; return in how many seconds the first is valid, each other `1 / per_second` later.

    Returns None, having taken nothing, while the next token is more than `AHEAD_S` away.
    """
    interval, saved = 1 / limit.per_second, _saved_s(limit)
    after = await db.fetchval(_TAKE, limit.service, float(count), interval, AHEAD_S + saved)
    return None if after is None else float(after) - count * interval - saved


async def next_token(db: Executor, limit: RateLimit) -> float:
    """Return in how many seconds the next token is valid, creating a full bucket where there was none."""
    return max(0.0, float(await db.fetchval(_NEXT, limit.service)) - _saved_s(limit))


async def empty(db: Executor, limit: RateLimit, seconds: float) -> None:
    """Empty a bucket for the `seconds` that the service asked to wait; no tokens are saved meanwhile."""
    await db.execute(_EMPTY, limit.service, seconds + _saved_s(limit))


def _saved_s(limit: RateLimit) -> float:
    return (limit.burst - 1) / limit.per_second
