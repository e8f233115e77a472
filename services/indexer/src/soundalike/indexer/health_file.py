"""A sign of life for a health check: a file that is touched while the event loop turns."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_INTERVAL_S: Final = 10.0


@asynccontextmanager
async def keep_health_file_fresh(file: Path | None, *, interval_s: float = _INTERVAL_S) -> AsyncIterator[None]:
    """Touch `file` now and every `interval_s` seconds until the block ends; without a file, do nothing."""
    if file is None:
        yield
        return
    # At once, and not first in the task: a file that cannot be written ends the service while somebody looks.
    await asyncio.to_thread(file.touch)

    async def beat() -> None:
        while True:
            await asyncio.sleep(interval_s)
            await asyncio.to_thread(file.touch)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
