"""Keeps a message hidden from other workers while one processes it."""

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

MAX_EXTENSIONS = 20
"""A job that hangs must not keep its message for ever: after so many extensions the message reappears."""


@asynccontextmanager
async def extend_visibility(
    queue: MessageQueue,
    message: Message,
    *,
    visibility_s: int,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Extend the message's invisibility every third of `visibility_s` seconds until the block ends."""

    async def extend() -> None:
        for _ in range(MAX_EXTENSIONS):
            await sleep(visibility_s / 3)
            try:
                await queue.hide(message, visibility_s)
            except QueueUnavailable as error:
                # The next attempt may succeed; if none does, the message should be redelivered.
                log.warning("could not extend the visibility of message %s: %s", message.id, error)

    task = asyncio.create_task(extend())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
