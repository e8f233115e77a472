"""What bucket and queues lack, looked at when somebody asks for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from soundalike.provisioning.inspection import STORE_UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TIMEOUT_S: Final = 2.0
_MAX_AGE_S: Final = 2.0


class ResourceProbe:
    """Calls `look`, which may block, in a thread: once at a time, and not again within `max_age_s` seconds."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, str]],
        *,
        timeout_s: float = _TIMEOUT_S,
        max_age_s: float = _MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._timeout_s = timeout_s
        self._max_age_s = max_age_s
        self._clock = clock
        self._task: asyncio.Task[Mapping[str, str]] | None = None
        self._started_at = 0.0

    async def problems(self) -> Mapping[str, str]:
        """Return what is missing, with a clause about each; after `timeout_s` that the object store does not answer."""
        task = self._task
        if task is None or (task.done() and self._clock() - self._started_at >= self._max_age_s):
            self._started_at = self._clock()
            task = self._task = asyncio.create_task(asyncio.to_thread(self._look))
        done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        return task.result() if done else {"store": STORE_UNAVAILABLE}
