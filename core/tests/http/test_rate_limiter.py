from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from soundalike.http.rate_limiter import InMemoryLimiter, RateLimit


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def moments(limiter: InMemoryLimiter, clock: Clock, count: int) -> list[float]:
    results = []
    for _ in range(count):
        await limiter.acquire()
        results.append(round(clock.now - 1000.0, 6))
    return results


async def test_a_burst_and_then_one_after_the_other() -> None:
    clock = Clock()
    limiter = InMemoryLimiter(RateLimit("x", per_second=2, burst=3), lambda: clock.now, clock.sleep)
    assert await moments(limiter, clock, 6) == [0, 0, 0, 0.5, 1.0, 1.5]


async def test_a_pause_fills_the_bucket_and_no_more() -> None:
    clock = Clock()
    limiter = InMemoryLimiter(RateLimit("x", per_second=2, burst=2), lambda: clock.now, clock.sleep)
    await moments(limiter, clock, 2)
    clock.now += 100
    assert await moments(limiter, clock, 4) == [100, 100, 100.5, 101.0]


async def test_no_request_is_made_during_a_pause() -> None:
    clock = Clock()
    limiter = InMemoryLimiter(RateLimit("x", per_second=2, burst=3), lambda: clock.now, clock.sleep)
    await limiter.pause(5)
    assert await moments(limiter, clock, 3) == [5, 5.5, 6.0]


@pytest.mark.parametrize(("per_second", "requests", "seconds"), [(9.5, 49.5, 5.0), (0.3, 20, 60.0)])
async def test_no_window_holds_more_than_the_limit(per_second: float, requests: float, seconds: float) -> None:
    clock = Clock()
    limit = RateLimit("x", per_second=per_second, burst=2)
    made = await moments(InMemoryLimiter(limit, lambda: clock.now, clock.sleep), clock, 200)
    windows = [sum(start <= moment < start + seconds for moment in made) for start in made]
    assert max(windows) <= requests
    assert max(windows) >= requests * 0.95


async def test_many_at_once_are_as_slow_as_one() -> None:
    clock = Clock()
    limiter = InMemoryLimiter(RateLimit("x", per_second=10, burst=1), lambda: clock.now, clock.sleep)
    waits: list[float] = []

    async def nap(seconds: float) -> None:
        waits.append(round(seconds, 6))

    limiter.sleep = nap
    await asyncio.gather(*(limiter.acquire() for _ in range(5)))
    assert waits == [0.1, 0.2, 0.3, 0.4]


def test_a_rate_limit_allows_something() -> None:
    with pytest.raises(ValueError, match="at least some"):
        RateLimit("x", per_second=0, burst=1)
