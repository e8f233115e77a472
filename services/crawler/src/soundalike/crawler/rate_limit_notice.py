"""Limiters that tell the person who waits when a service asks for a pause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.http.rate_limiter import Limiter, RateLimit


@dataclass(slots=True)
class AnnouncingLimiters:
    """Makes limiters out of those of `limiters`, which call `on_pause(service, seconds)` at every pause."""

    limiters: Callable[[RateLimit], Limiter]
    on_pause: Callable[[str, float], None] = lambda _, __: None

    def __call__(self, limit: RateLimit) -> AnnouncingLimiter:
        """Return the limiter of a service."""
        return AnnouncingLimiter(limit.service, self.limiters(limit), self)


@dataclass(frozen=True, slots=True)
class AnnouncingLimiter:
    """A limiter that announces its pauses (see `http.rate_limiter.Limiter`)."""

    service: str
    limiter: Limiter
    limiters: AnnouncingLimiters

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        await self.limiter.acquire()

    async def pause(self, seconds: float) -> None:
        """Announce the pause, and allow no request for so many seconds."""
        self.limiters.on_pause(self.service, seconds)
        await self.limiter.pause(seconds)
