"""The queue of previews and the dead-letter queue behind it, opened when somebody asks for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from soundalike.errors import QueueUnavailable
from soundalike.storage.message_queue import SqsQueue

if TYPE_CHECKING:
    from soundalike.settings import QueueNameSettings
    from soundalike.storage.message_queue import MessageQueue


class QueuePair(NamedTuple):
    """The queue, and where its messages go that failed too often."""

    queue: MessageQueue
    dead_letter_queue: MessageQueue


class PlatformQueues:
    """The queues that the settings name, None for a platform without queues; `pair` replaces them."""

    def __init__(self, settings: QueueNameSettings | None, pair: QueuePair | None = None) -> None:
        self._settings = settings
        self._pair = pair
        self._mutex = asyncio.Lock()

    async def open(self) -> QueuePair:
        """Return both queues; raises `QueueUnavailable`."""
        async with self._mutex:
            if self._pair is None:
                if self._settings is None:
                    raise QueueUnavailable("there is no queue")
                self._pair = QueuePair(
                    await SqsQueue.connect(self._settings, fail_fast=True),
                    await SqsQueue.connect(self._settings, dead_letters=True, fail_fast=True),
                )
            return self._pair
