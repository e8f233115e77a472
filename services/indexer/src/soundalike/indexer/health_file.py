"""A file for a health check, touched as long as the event loop runs."""

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
    # Here, and not in the task: a file that cannot be written must end the service at its start.
    await asyncio.to_thread(file.touch)

    async def touch_forever() -> None:
        while True:
            await asyncio.sleep(interval_s)
            await asyncio.to_thread(file.touch)

    task = asyncio.create_task(touch_forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
