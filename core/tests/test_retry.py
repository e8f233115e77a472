from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from soundalike.retry import Backoff, RestartBackoff, RetryPolicy


@dataclass
class UnsteadyCall:
    """Fails as often as there are failures, then answers."""

    failures: list[Exception] = field(default_factory=list)
    calls: int = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


@dataclass
class RecordedSleep:
    """Sleeps not at all, and notes for how long."""

    waits: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_the_waits_grow() -> None:
    call, sleep = UnsteadyCall([OSError(), OSError(), OSError()]), RecordedSleep()
    assert await RetryPolicy(sleep=sleep).run(call, (OSError,)) == "answer"
    assert call.calls == 4
    assert all(
        low <= wait <= high for wait, (low, high) in zip(sleep.waits, [(0.3, 0.7), (0.7, 1.3), (1.5, 2.5)], strict=True)
    )


async def test_the_last_failure_is_raised() -> None:
    call, sleep = UnsteadyCall([OSError("first"), OSError("second"), OSError("third")]), RecordedSleep()
    with pytest.raises(OSError, match="second"):
        await RetryPolicy(attempts=2, sleep=sleep).run(call, (OSError,))
    assert len(sleep.waits) == 1


async def test_other_failures_are_not_retried() -> None:
    call = UnsteadyCall([KeyError("x"), OSError()])
    with pytest.raises(KeyError):
        await RetryPolicy(sleep=RecordedSleep()).run(call, (OSError,))
    assert call.calls == 1


def test_a_backoff_doubles_and_is_bounded() -> None:
    backoff = Backoff(initial_s=5, max_s=600, jitter=0.5)
    assert [backoff.delay_s(attempt, 1.0) for attempt in (1, 2, 3, 20, 10_000)] == [5, 10, 20, 600, 600]


def test_a_backoff_is_jittered() -> None:
    backoff = Backoff(initial_s=5, max_s=600, jitter=0.5)
    assert backoff.delay_s(3, 0.0) == 10
    delays = {backoff.delay_s(3) for _ in range(100)}
    assert len(delays) > 50
    assert all(10 <= delay <= 20 for delay in delays)


def test_a_restart_after_a_long_run_begins_with_the_initial_wait() -> None:
    restart = RestartBackoff(Backoff(initial_s=0.5, max_s=30, jitter=0), reset_after_s=60)
    assert [restart.delay_s(1) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert [restart.delay_s(uptime_s) for uptime_s in (3_600, 1, 1)] == [0.5, 1, 2]
