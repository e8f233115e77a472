"""How often a service may be called."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket for one service: in any t seconds at most `burst` + `per_second` x t requests."""

    service: str
    per_second: float
    burst: int

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError("a rate limit allows at least some requests")


UNLIMITED: Final = RateLimit("unlimited", per_second=math.inf, burst=1)
"""No limit but the pauses that the service asks for."""


class Limiter(Protocol):
    """Decides when the next request may be made; everybody who calls the same service shares it."""

    async def acquire(self) -> None:
        """Wait until one request may be made."""

    async def pause(self, seconds: float) -> None:
        """Allow no request for so many seconds, because the service asks for it."""


@dataclass(slots=True)
class InMemoryLimiter:
    """A token bucket for one process (see `Limiter`); requests are made in the order in which they were asked for."""

    limit: RateLimit
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next: float = field(default=float("-inf"), init=False)

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        step = 1 / self.limit.per_second
        now = self.clock()
        # The moment at which a bucket without a burst would allow this one (the GCRA of ATM Forum TM 4.0).
        due = max(self._next, now)
        self._next = due + step
        wait = due - now - (self.limit.burst - 1) * step
        if wait > 0:
            await self.sleep(wait)

    async def pause(self, seconds: float) -> None:
        """Allow no request for so many seconds, and then one after the other."""
        step = 1 / self.limit.per_second
        self._next = max(self._next, self.clock() + seconds + (self.limit.burst - 1) * step)
