"""Limiters that processes share; the database's clock runs, so the figures are wide."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.shared_rate_limiter import SharedLimiter, SharedLimiters
from soundalike.db import rate_limits
from soundalike.http.errors import ServiceUnavailable
from soundalike.http.rate_limiter import RateLimit
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from soundalike.db.database import Executor, Pool

FAST = RateLimit("fast", per_second=100, burst=1)
SLOW = RateLimit("slow", per_second=0.5, burst=1)


async def test_no_request_is_made_before_its_token_is_valid(pool: Pool) -> None:
    loop = asyncio.get_running_loop()
    first, second = SharedLimiter(pool, FAST), SharedLimiter(pool, FAST)
    await first.acquire()
    begun = loop.time()
    await asyncio.gather(*(limiter.acquire() for limiter in [first, second] * 20))
    assert loop.time() - begun >= 0.35


async def test_everybody_who_waits_is_served_by_one_statement(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[int] = []
    take = rate_limits.take

    async def counted(db: Executor, limit: RateLimit, count: int) -> float | None:
        requests.append(count)
        return await take(db, limit, count)

    monkeypatch.setattr(rate_limits, "take", counted)
    limiter = SharedLimiter(pool, FAST)
    await limiter.acquire()
    await asyncio.gather(*(limiter.acquire() for _ in range(30)))
    assert requests[-1] == 30


async def test_a_pause_reaches_every_process(pool: Pool, recorded_sleep: Any) -> None:
    theirs = SharedLimiter(pool, FAST)
    await SharedLimiter(pool, FAST).pause(100)
    limiter = SharedLimiter(pool, FAST, sleep=recorded_sleep.sleep)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await theirs.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await eventually(lambda: recorded_sleep.waits)
    assert not waiting.done()
    waiting.cancel()
    # It looks again now and then, so that it hears where the pause ends sooner or is made longer.
    assert 0 < max(recorded_sleep.waits) <= 5


async def test_a_token_from_before_a_pause_is_not_used(pool: Pool) -> None:
    sleeps: list[float] = []
    awake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        await awake.wait()

    await SharedLimiter(pool, SLOW).acquire()
    limiter = SharedLimiter(pool, SLOW, sleep=sleep)
    waiting = asyncio.create_task(limiter.acquire())
    await eventually(lambda: sleeps)
    await limiter.pause(100)
    awake.set()
    # It sleeps again, for a token from after the pause.
    await eventually(lambda: len(sleeps) >= 2)
    assert not waiting.done()
    waiting.cancel()


async def test_who_gives_up_waiting_holds_up_nobody(pool: Pool) -> None:
    limiter = SharedLimiter(pool, FAST)
    waiting = [asyncio.create_task(limiter.acquire()) for _ in range(10)]
    for task in waiting[:5]:
        task.cancel()
    await asyncio.gather(*waiting[5:])
    await limiter.acquire()


async def test_a_database_that_stays_away_is_an_error_for_everybody(pool: Pool, recorded_sleep: Any) -> None:
    class Gone:
        async def fetchval(self, *_: object) -> None:
            raise OSError("no route to host")

    limiter = SharedLimiter(Gone(), FAST)  # type: ignore[arg-type]
    results = await asyncio.gather(*(limiter.acquire() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ServiceUnavailable] * 3


async def test_one_limiter_a_service_and_its_pauses_are_announced(pool: Pool) -> None:
    limiters = SharedLimiters(pool)
    assert limiters(FAST) is limiters(FAST)
    first: list[tuple[str, float]] = []
    second: list[tuple[str, float]] = []
    limiters.on_pause = lambda *pause: first.append(pause)
    await limiters(FAST).acquire()
    await limiters(FAST).pause(0.01)
    # The next list has a display of its own.
    limiters.on_pause = lambda *pause: second.append(pause)
    await limiters(FAST).pause(0.02)
    assert (first, second) == ([("fast", 0.01)], [("fast", 0.02)])
