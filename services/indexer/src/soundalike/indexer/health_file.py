"""A sign of life for a health check: a file that is touched while the event loop turns."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_EVERY_S: Final = 10.0


@asynccontextmanager
async def beating(file: Path | None, *, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Touch `file` now and every `every_s` seconds until the block ends, during a build as well; without one, rest."""
    if file is None:
        yield
        return
    # At once, and not first in the task: a file that cannot be written ends the service while somebody looks.
    await asyncio.to_thread(file.touch)

    async def beat() -> None:
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(file.touch)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
