from __future__ import annotations

import pytest

from soundalike.api.rate_limit import RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_at_once_then_one_by_one() -> None:
    clock = Clock()
    rates = RateLimiter(3, clock)
    assert [rates.acquire("me") for _ in range(3)] == [0, 0, 0]
    assert rates.acquire("me") == pytest.approx(20)
    clock.now += 19
    assert rates.acquire("me") == pytest.approx(1)
    clock.now += 1.001
    assert rates.acquire("me") == 0
    assert rates.acquire("me") > 0


def test_callers_have_shares_of_their_own_and_none_saves_up() -> None:
    clock = Clock()
    rates = RateLimiter(2, clock)
    assert [rates.acquire("me") for _ in range(2)] == [0, 0]
    assert rates.acquire("somebody else") == 0
    clock.now += 3_600
    assert [rates.acquire("me") for _ in range(2)] == [0, 0]
    assert rates.acquire("me") > 0
