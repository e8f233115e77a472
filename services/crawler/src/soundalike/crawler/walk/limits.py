"""How far a walk goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soundalike.soundcloud.connection import Pace


class BudgetExhausted(Exception):
    """The run may make no more requests."""


@dataclass(slots=True)
class Budget:
    """A pace (`soundcloud.connection.Pace`) that lets at most `left` more requests through, retries among them.

    Raises `BudgetExhausted` for the one after the last.
    """

    pace: Pace
    left: int

    async def acquire(self) -> None:
        """Return when the next request may be made."""
        if self.left <= 0:
            raise BudgetExhausted
        self.left -= 1
        await self.pace.acquire()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a walk.

    `depth` counts questions from the start: 0 asks what the user likes, 1 also who else likes that, 2 also what they
    like. `likes_of_user` and `likers_of_track` cut long lists off: the first rows that SoundCloud shows are kept.
    What was asked is owed again after `revisit_after`.
    """

    depth: int = 2
    likes_of_user: int = 1_000
    likers_of_track: int = 1_000
    revisit_after: timedelta = timedelta(days=30)
