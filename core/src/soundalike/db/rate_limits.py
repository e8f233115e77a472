"""Token buckets that every process shares: how often a service may be asked, counted by one clock, the database's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.db.database import Executor

AHEAD_S = 2.0
"""How far ahead tokens are handed out, in seconds; what a service asks for reaches every process within that time."""

# `next_at` is when the bucket's next token drips if nothing was saved up; of what was saved, `burst` tokens count
# (the generic cell rate algorithm). Nobody is served twice: the row's lock puts the takers into a queue.
_TAKE = """
UPDATE allowances SET next_at = greatest(next_at, clock_timestamp()) + make_interval(secs => $2::float8 * $3::float8)
WHERE service = $1 AND next_at <= clock_timestamp() + make_interval(secs => $4::float8)
RETURNING extract(epoch FROM next_at - clock_timestamp())::float8
"""

_AWAIT = """
INSERT INTO allowances (service) VALUES ($1)
ON CONFLICT (service) DO UPDATE SET service = EXCLUDED.service
RETURNING greatest(extract(epoch FROM next_at - clock_timestamp()), 0)::float8
"""

_EMPTY = """
INSERT INTO allowances (service, next_at) VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8))
ON CONFLICT (service) DO UPDATE SET next_at = greatest(allowances.next_at, EXCLUDED.next_at)
"""


async def take(db: Executor, service: str, count: int, *, per_second: float, burst: int) -> float | None:
    """Take `count` tokens: the first is good in so many seconds, each other `1 / per_second` later.

    Returns None, having taken nothing, while the next token is more than `AHEAD_S` away.
    """
    each = 1 / per_second
    saved = (burst - 1) * each
    after = await db.fetchval(_TAKE, service, float(count), each, AHEAD_S + saved)
    return None if after is None else float(after) - count * each - saved


async def next_token(db: Executor, service: str, *, per_second: float, burst: int) -> float:
    """Return in how many seconds the next token is good, opening a full bucket where there was none."""
    return max(0.0, float(await db.fetchval(_AWAIT, service)) - (burst - 1) / per_second)


async def empty(db: Executor, service: str, seconds: float, *, per_second: float, burst: int) -> None:
    """Empty a bucket because the service asked for `seconds` of patience; nothing is saved up meanwhile."""
    await db.execute(_EMPTY, service, seconds + (burst - 1) / per_second)
