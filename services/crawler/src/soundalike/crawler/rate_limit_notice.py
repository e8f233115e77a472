"""Limiters that tell the person who waits when a service asks for patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.rate_limiter import Allowance, Limiter


@dataclass(slots=True)
class Announcements:
    """Makes limiters out of those of `limiters`, which call `waiting(service, seconds)` at every pause."""

    limiters: Callable[[Allowance], Limiter]
    waiting: Callable[[str, float], None] = lambda _, __: None

    def __call__(self, allowance: Allowance) -> AnnouncedLimiter:
        """Return the limiter of a service."""
        return AnnouncedLimiter(allowance.service, self.limiters(allowance), self)


@dataclass(frozen=True, slots=True)
class AnnouncedLimiter:
    """A limiter whose pauses are told (see `crawler.rate_limiter.Limiter`)."""

    service: str
    limiter: Limiter
    announcements: Announcements

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        await self.limiter.acquire()

    async def hold(self, seconds: float) -> None:
        """Tell of the pause, and let nobody through for so long."""
        self.announcements.waiting(self.service, seconds)
        await self.limiter.hold(seconds)
