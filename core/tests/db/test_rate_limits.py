"""The shared buckets: their clock is the database's, so these tests ask it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from soundalike.db import rate_limits
from soundalike.http.rate_limiter import RateLimit

if TYPE_CHECKING:
    from soundalike.db.database import Pool


EVERY_SECOND = RateLimit("s", per_second=1, burst=1)
SLOW = RateLimit("s", per_second=0.1, burst=1)
BURST = RateLimit("s", per_second=0.1, burst=3)
FAST = RateLimit("s", per_second=20, burst=1)


async def opened(pool: Pool, limit: RateLimit = EVERY_SECOND) -> float:
    return await rate_limits.next_token(pool, limit)


async def test_a_full_bucket_gives_its_burst_at_once_and_then_one_by_one(pool: Pool) -> None:
    assert await opened(pool, BURST) == 0
    waits = [await rate_limits.take(pool, BURST, 1) for _ in range(4)]
    assert all(wait is not None and wait <= 0 for wait in waits[:3])
    assert waits[3] is None
    assert 5 < await opened(pool, BURST) <= 10


async def test_several_at_once_keep_their_distance(pool: Pool) -> None:
    await opened(pool)
    first = await rate_limits.take(pool, SLOW, 4)
    assert first is not None
    assert first <= 0
    assert 30 < await opened(pool, SLOW) <= 40


async def test_what_lies_too_far_ahead_is_not_taken(pool: Pool) -> None:
    await opened(pool)
    await rate_limits.empty(pool, EVERY_SECOND, 100)
    assert await rate_limits.take(pool, EVERY_SECOND, 1) is None
    assert 90 < await opened(pool) <= 100


async def test_emptying_leaves_nothing_saved_up(pool: Pool) -> None:
    await rate_limits.empty(pool, BURST, 0)
    first = await rate_limits.take(pool, BURST, 1)
    assert first is not None
    assert first <= 0
    assert await rate_limits.take(pool, BURST, 1) is None


async def test_a_shorter_pause_does_not_undo_a_longer_one(pool: Pool) -> None:
    await rate_limits.empty(pool, EVERY_SECOND, 100)
    await rate_limits.empty(pool, EVERY_SECOND, 1)
    assert await opened(pool) > 90


async def test_takers_side_by_side_get_tokens_of_their_own(pool: Pool) -> None:
    await opened(pool)
    await rate_limits.take(pool, FAST, 1)
    before = await pool.fetchval("SELECT next_at FROM allowances")
    waits = await asyncio.gather(*(rate_limits.take(pool, FAST, 1) for _ in range(20)))
    assert None not in waits
    assert await pool.fetchval("SELECT next_at FROM allowances") - before >= timedelta(seconds=1)


async def test_services_do_not_share(pool: Pool) -> None:
    await rate_limits.empty(pool, EVERY_SECOND, 100)
    assert await opened(pool, RateLimit("another", per_second=1, burst=1)) == 0
