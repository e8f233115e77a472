from __future__ import annotations

import asyncio
from itertools import count

import pytest

from soundalike.testing.wait import eventually, eventually_sync, scale


@pytest.fixture(autouse=True)
def unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_WAIT_SCALE", raising=False)


async def test_the_first_true_value_is_returned() -> None:
    numbers = count()
    assert await eventually(lambda: max(0, next(numbers) - 3), interval_s=0) == 1
    assert next(numbers) == 5


async def test_a_condition_may_be_asynchronous() -> None:
    numbers = count()

    async def odd() -> int:
        return next(numbers) % 2

    assert await eventually(odd, interval_s=0) == 1


async def test_a_miss_names_the_goal_and_the_last_value() -> None:
    with pytest.raises(AssertionError, match=r"after 0\.01 s still waiting for: rows; last seen: \[\]"):
        await eventually(list, "rows", limit_s=0.01, interval_s=0)


async def test_a_miss_names_the_last_exception() -> None:
    def unreachable() -> bool:
        raise ConnectionRefusedError("port 1")

    with pytest.raises(AssertionError, match=r"unreachable; last seen: ConnectionRefusedError\('port 1'\)"):
        await eventually(unreachable, limit_s=0.01, interval_s=0, retry_on=OSError)


async def test_other_exceptions_come_through_at_once() -> None:
    numbers = count()

    def fail() -> bool:
        raise LookupError(next(numbers))

    with pytest.raises(LookupError, match="0"):
        await eventually(fail, retry_on=(OSError, ValueError))


async def test_a_condition_that_hangs_is_a_miss() -> None:
    with pytest.raises(AssertionError, match="answers"):
        await eventually(asyncio.Event().wait, "answers", limit_s=0.01)


def test_without_an_event_loop() -> None:
    numbers = count()

    def third() -> int:
        number = next(numbers)
        if number == 0:
            raise OSError
        return number // 2

    assert eventually_sync(third, interval_s=0, retry_on=OSError) == 1
    with pytest.raises(AssertionError, match=r"nothing; last seen: None"):
        eventually_sync(lambda: None, "nothing", limit_s=0.01, interval_s=0)
    with pytest.raises(AssertionError, match=r"OSError\(\)"):
        eventually_sync(lambda: (_ for _ in ()).throw(OSError()), limit_s=0.01, interval_s=0, retry_on=OSError)


def test_limits_grow_with_the_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scale(3) == 3
    monkeypatch.setenv("TEST_WAIT_SCALE", "2.5")
    assert scale(3) == 7.5


@pytest.mark.parametrize("factor", ["0", "-1", "nan", "slow"])
def test_a_scale_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, factor: str) -> None:
    monkeypatch.setenv("TEST_WAIT_SCALE", factor)
    with pytest.raises(ValueError, match=r"TEST_WAIT_SCALE|convert"):
        scale(1)
