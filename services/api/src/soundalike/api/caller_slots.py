"""How many things of one kind each caller may have at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class CallerSlots:
    """So many slots for each caller; callers that neither have one nor wait for one take no room."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._semaphores: dict[str, asyncio.Semaphore] = {}
        self._uses: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many callers have a slot or wait for one."""
        return len(self._semaphores)

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Wait for a slot of a caller, and take it while the block runs."""
        semaphore = self._semaphores.setdefault(caller, asyncio.Semaphore(self._count))
        self._uses[caller] += 1
        try:
            async with semaphore:
                yield
        finally:
            self._uses[caller] -= 1
            if not self._uses[caller]:
                del self._uses[caller], self._semaphores[caller]
