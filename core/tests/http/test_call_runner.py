from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import (
    Missing,
    NotAllowed,
    QuotaExhausted,
    RateLimited,
    ServiceError,
    ServiceRefused,
    ServiceUnavailable,
    TokenRejected,
)
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter
from soundalike.retry import Backoff, RetryPolicy

BACKOFF = Backoff(initial_s=1.0, max_s=60.0, jitter=0.0)


@dataclass
class Record:
    """Notes in their order the requests that were allowed, the pauses and the waits."""

    events: list[str] = field(default_factory=list)

    async def acquire(self) -> None:
        self.events.append("acquire")

    async def pause(self, seconds: float) -> None:
        self.events.append(f"pause {seconds:g}")

    async def sleep(self, seconds: float) -> None:
        self.events.append(f"sleep {seconds:g}")

    def runner(self, pause_s: float | None = None, rate_limit_attempts: int | None = None) -> CallRunner:
        return CallRunner(self, RetryPolicy(3, BACKOFF, self.sleep), pause_s, rate_limit_attempts)

    @property
    def waits(self) -> list[str]:
        return [event for event in self.events if event != "acquire"]


@dataclass
class Service:
    """Fails in turn with each of `errors`, then answers; the last error goes on where `forever`."""

    errors: list[ServiceError]
    forever: bool = False

    async def call(self) -> str:
        if self.errors:
            raise self.errors[0] if self.forever and len(self.errors) == 1 else self.errors.pop(0)
        return "answer"


async def test_a_call_is_made_when_the_limiter_allows_it() -> None:
    record = Record()
    assert await record.runner().run(Service([]).call) == "answer"
    assert record.events == ["acquire"]


async def test_a_failing_service_is_called_again_after_growing_waits() -> None:
    record = Record()
    service = Service([ServiceUnavailable("away"), ServiceUnavailable("away")])
    assert await record.runner().run(service.call) == "answer"
    assert record.events == ["acquire", "sleep 1", "acquire", "sleep 2", "acquire"]


async def test_a_service_that_stays_away_is_called_three_times() -> None:
    record = Record()
    with pytest.raises(ServiceUnavailable, match="away"):
        await record.runner().run(Service([ServiceUnavailable("away")], forever=True).call)
    assert record.events == ["acquire", "sleep 1", "acquire", "sleep 2", "acquire"]


@pytest.mark.parametrize("error", [ServiceRefused("no"), Missing("no"), NotAllowed("no"), QuotaExhausted("no")])
async def test_what_another_try_cannot_help_is_raised_at_once(error: ServiceError) -> None:
    record = Record()
    with pytest.raises(type(error)):
        await record.runner().run(Service([error]).call)
    assert record.events == ["acquire"]


@pytest.mark.parametrize(
    ("wait_s", "pause_s", "pause"),
    [
        (7.0, None, "pause 7"),
        (7.0, 5.0, "pause 7"),
        (0.0, 5.0, "pause 0"),
        (None, 5.0, "pause 5"),
        (None, None, "pause 1"),
    ],
)
async def test_the_pause_is_what_the_service_asks_for(wait_s: float | None, pause_s: float | None, pause: str) -> None:
    record = Record()
    assert await record.runner(pause_s).run(Service([RateLimited("slowly", wait_s=wait_s)]).call) == "answer"
    assert record.events == ["acquire", pause, "acquire"]


@pytest.mark.parametrize(("wait_s", "pause_s", "expected_s"), [(7.0, 5.0, 7.0), (None, 5.0, 5.0), (None, None, None)])
async def test_the_last_pause_is_kept_by_the_others_too(
    wait_s: float | None, pause_s: float | None, expected_s: float | None
) -> None:
    record = Record()
    with pytest.raises(RateLimited, match="slowly") as limited:
        await record.runner(pause_s).run(Service([RateLimited("slowly", wait_s=wait_s)], forever=True).call)
    assert type(limited.value) is RateLimited
    assert limited.value.wait_s == expected_s
    assert [event.split()[0] for event in record.events] == ["acquire", "pause"] * 3


async def test_a_pause_longer_than_a_run_waits_ends_the_call() -> None:
    record = Record()
    with pytest.raises(QuotaExhausted, match="slowly") as exhausted:
        await record.runner().run(Service([RateLimited("slowly", wait_s=61.0)]).call)
    assert exhausted.value.wait_s == 61.0
    assert record.events == ["acquire", "pause 60"]


async def test_failures_and_pauses_count_together() -> None:
    record = Record()
    errors: list[ServiceError] = [ServiceUnavailable("a"), RateLimited("b", wait_s=7.0), ServiceUnavailable("c")]
    with pytest.raises(ServiceUnavailable, match="c"):
        await record.runner().run(Service(errors).call)
    assert record.waits == ["sleep 1", "pause 7"]


async def test_pauses_with_a_count_of_their_own_are_no_failures() -> None:
    record = Record()
    limited: list[ServiceError] = [RateLimited("slowly", wait_s=7.0)] * 4
    away: list[ServiceError] = [ServiceUnavailable("away")] * 2
    assert await record.runner(rate_limit_attempts=5).run(Service([*limited, *away]).call) == "answer"
    assert record.waits == [*["pause 7"] * 4, "sleep 1", "sleep 2"]
    with pytest.raises(RateLimited):
        await record.runner(rate_limit_attempts=5).run(Service([*limited, *limited]).call)
    assert record.waits[6:] == ["pause 7"] * 5


async def test_a_token_is_renewed_once_and_without_a_wait() -> None:
    record = Record()
    assert await record.runner().run(Service([TokenRejected("old")]).call) == "answer"
    with pytest.raises(TokenRejected, match="new"):
        await record.runner().run(Service([TokenRejected("old"), TokenRejected("new")]).call)
    assert record.events == ["acquire"] * 4


async def test_a_limiter_that_fails_is_not_tried_again() -> None:
    class Broken(Record):
        async def acquire(self) -> None:
            await super().acquire()
            raise ServiceUnavailable("the database does not answer")

    record = Broken()
    with pytest.raises(ServiceUnavailable, match="database"):
        await record.runner().run(Service([]).call)
    assert record.events == ["acquire"]


async def test_pauses_are_kept_without_a_rate_limit_too() -> None:
    record = Record()
    limiter = InMemoryLimiter(UNLIMITED, clock=lambda: 100.0, sleep=record.sleep)
    runner = CallRunner(limiter, RetryPolicy(3, BACKOFF, record.sleep))
    assert await runner.run(Service([RateLimited("slowly", wait_s=7.0)]).call) == "answer"
    assert record.waits == ["sleep 7"]
