"""Trying again, a few times, after longer and longer pauses."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """At most `attempts` tries; the pause before the second is about `first_pause_s` seconds, then doubles."""

    attempts: int = 4
    first_pause_s: float = 0.5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def through(self, call: Callable[[], Awaitable[T]], failures: tuple[type[Exception], ...]) -> T:
        """Return what `call` returns; the last failure is raised when every try ended in one of `failures`."""
        for attempt in range(1, self.attempts):
            try:
                return await call()
            except failures:
                await self.pause(attempt)
        return await call()

    async def pause(self, attempt: int) -> None:
        """Wait after try number `attempt`, counted from 1; the jitter keeps parallel tracks from returning as one."""
        await self.sleep(self.first_pause_s * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))  # noqa: S311
