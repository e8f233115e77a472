"""How often a service may be asked."""

from __future__ import annotations

import asyncio
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
            raise ValueError("an allowance lets through something")


DEEZER: Final = RateLimit("deezer", per_second=9.5, burst=2)
"""Deezer counts 50 requests in 5 s; this makes at most 49.5."""

ITUNES: Final = RateLimit("itunes", per_second=0.3, burst=2)
"""Apple names about 20 calls a minute; this makes at most 20."""


class Limiter(Protocol):
    """Says when the next request may be made; shared by everybody who asks the same service."""

    async def acquire(self) -> None:
        """Wait until one request may be made."""

    async def pause(self, seconds: float) -> None:
        """Let nobody through for so long, because the service asked for patience."""


class Unlimited:
    """Lets everything through at once."""

    async def acquire(self) -> None:
        """Return at once."""

    async def pause(self, seconds: float) -> None:
        """Let it pass."""


@dataclass(slots=True)
class InMemoryLimiter:
    """A bucket for one process (see `Limiter`); in the order in which they came."""

    limit: RateLimit
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next: float = field(default=float("-inf"), init=False)

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        step = 1 / self.limit.per_second
        now = self.clock()
        # The moment at which a bucket without a burst would let this one through (the GCRA of ATM Forum TM 4.0).
        due = max(self._next, now)
        self._next = due + step
        wait = due - now - (self.limit.burst - 1) * step
        if wait > 0:
            await self.sleep(wait)

    async def pause(self, seconds: float) -> None:
        """Let nobody through for so long, and then one after the other."""
        step = 1 / self.limit.per_second
        self._next = max(self._next, self.clock() + seconds + (self.limit.burst - 1) * step)
