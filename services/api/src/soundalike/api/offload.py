"""Computation on the event loop while it takes a millisecond or two, else in a thread."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SLOW_S: Final = 0.02
"""No short computation takes longer, unless it waits for the disk."""

THREADED_AFTER_SLOW: Final = 32
"""How many computations run in threads after a slow one."""


class Offloader:
    """Runs computations; those that are declared short run at once, as long as they are.

    A thread is no gift: handing a search over and its result back costs more than the search, and two threads that
    both run Python wait for each other. Under load an answer took 5.5 ms of processor time with its two steps in
    threads and 3.3 ms without. Where a step that should be short is not, as the pages of an index are still on the
    disk, the next ones are done in threads, and then it is tried again.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._limiter = CapacityLimiter(os.cpu_count() or 2)
        # Nothing was read from the disk yet.
        self._threaded_left = THREADED_AFTER_SLOW

    async def run(self, work: Callable[[], T], *, short: bool) -> T:
        """Return what `work` returns."""
        if not short:
            return await self.run_in_thread(work)
        if self._threaded_left:
            self._threaded_left -= 1
            return await self.run_in_thread(work)
        start = self._clock()
        try:
            return work()
        finally:
            if self._clock() - start > SLOW_S:
                self._threaded_left = THREADED_AFTER_SLOW

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, done in one of as many threads as the machine has cores."""
        return await to_thread.run_sync(work, limiter=self._limiter)
