"""Keeping a message hidden from other workers while one works on it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from soundalike.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from soundalike.storage.message_queue import Message, MessageQueue

log = logging.getLogger(__name__)

MOST_BEATS = 20
"""A job that hangs may not hold its message for ever: after so many beats the message reappears."""


@asynccontextmanager
async def beating(
    queue: MessageQueue,
    message: Message,
    *,
    visibility_s: int,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Extend the message's invisibility every third of `visibility_s` seconds until the block ends."""

    async def beat() -> None:
        for _ in range(MOST_BEATS):
            await sleep(visibility_s / 3)
            try:
                await queue.hide(message, visibility_s)
            except QueueUnavailable as error:
                # The next beat may get through; if none does, redelivery is what should happen.
                log.warning("heartbeat of message %s missed: %s", message.id, error)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
