"""How far a walk goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.http.rate_limiter import Limiter


class BudgetExhausted(Exception):
    """The run may make no more requests."""


@dataclass(slots=True)
class Budget:
    """A limiter (see `http.rate_limiter.Limiter`) that allows at most `left` more requests, retries among them.

    Raises `BudgetExhausted` for the one after the last.
    """

    limiter: Limiter
    left: int

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        if self.left <= 0:
            raise BudgetExhausted
        self.left -= 1
        await self.limiter.acquire()

    async def pause(self, seconds: float) -> None:
        """Allow no request for so many seconds, because the service asks for it."""
        await self.limiter.pause(seconds)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a walk.

    `depth` counts lists from the start: 0 reads what the user likes, 1 also who else likes that, 2 also what they
    like. `likes_of_user` and `likers_of_track` cut long lists off: the first rows that SoundCloud shows are kept.
    A list that was read is due again after `revisit_after`.
    """

    depth: int = 2
    likes_of_user: int = 1_000
    likers_of_track: int = 1_000
    revisit_after: timedelta = timedelta(days=30)
