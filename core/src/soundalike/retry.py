"""The one retry rule: waits that grow exponentially, are bounded and jittered, for loops and for single calls."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_MOST_DOUBLINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in seconds: `initial_s` after the first failure, then twice as long each time, never more than `max_s`.

    Up to the share `jitter` (0..1) of each is left out by chance, so that what failed together does not return
    together.
    """

    initial_s: float = 0.6
    max_s: float = 60.0
    jitter: float = 0.3

    def delay_s(self, attempt: int, chance: float | None = None) -> float:
        """Return the wait after failed try number `attempt`, counted from 1; `chance` is drawn from 0..1."""
        whole = min(self.max_s, self.initial_s * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        if chance is None:
            chance = random.random()  # noqa: S311 - jitter
        return whole * (1.0 - self.jitter * (1.0 - chance))


@dataclass(slots=True)
class RestartBackoff:
    """The waits before something is started again: from the beginning once it ran for `reset_after_s` seconds."""

    backoff: Backoff
    reset_after_s: float
    _failures: int = field(default=0, init=False)

    def delay_s(self, uptime_s: float) -> float:
        """Return the wait in seconds after a run that ended after so many seconds."""
        self._failures = 1 if uptime_s >= self.reset_after_s else self._failures + 1
        return self.backoff.delay_s(self._failures)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `attempts` tries of a call, with the waits of `backoff` between them."""

    attempts: int = 4
    backoff: Backoff = Backoff()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self, call: Callable[[], Awaitable[T]], failures: tuple[type[Exception], ...]) -> T:
        """Return what `call` returns; raises the last failure when every try ended in one of `failures`."""
        for attempt in range(1, self.attempts):
            try:
                return await call()
            except failures:
                await self.wait(attempt)
        return await call()

    async def wait(self, attempt: int) -> None:
        """Wait after failed try number `attempt`, counted from 1."""
        await self.sleep(self.backoff.delay_s(attempt))
