"""Why messages of the queue were given up, which the dead-letter queue itself does not keep, and trying them again."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from soundalike.db.database import Executor
    from soundalike.storage.message_queue import MessageQueue

_SECOND_LOOK_S: Final = 0.5

CRASHED: Final = "the extractor crashed each time"
"""The reason for a message that no extractor could say anything about."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in the dead-letter queue by its id there, of the track `urn` if it is about one.

    `attempts` is None where nobody counted them; `title` is that of the track, `received_at` is set when it is read.
    """

    id: str
    urn: str | None
    reason: str
    attempts: int | None = None
    title: str | None = None
    received_at: datetime | None = None


# What an extractor said itself is worth more than what is seen in the queue afterwards.
_RECORD = """
INSERT INTO dead_letters (id, urn, reason, attempts)
SELECT $1, $2::text, $3, $4::integer
WHERE NOT EXISTS (SELECT FROM tracks WHERE urn = $2 AND state = 'forgotten')
ON CONFLICT (id) DO UPDATE SET
    urn = EXCLUDED.urn, seen_at = now(),
    reason = CASE WHEN EXCLUDED.attempts IS NULL THEN dead_letters.reason ELSE EXCLUDED.reason END,
    attempts = coalesce(EXCLUDED.attempts, dead_letters.attempts)
"""

_DELETE = "DELETE FROM dead_letters WHERE id = ANY($1)"

_DELETE_UNSEEN = "DELETE FROM dead_letters WHERE seen_at < now() - make_interval(secs => $1)"

_COUNT = "SELECT count(*) FROM dead_letters"

_LIST = """
SELECT d.id, d.urn, d.reason, d.attempts, nullif(t.title, '') AS title, d.received_at
FROM dead_letters d LEFT JOIN tracks t ON t.urn = d.urn
ORDER BY d.received_at DESC, d.id LIMIT $1
"""


async def record(db: Executor, letter: DeadLetter) -> None:
    """Record that a message was given up, or (without `attempts`) that it lies in the dead-letter queue.

    Nothing is recorded of a track that was forgotten.
    """
    await db.execute(_RECORD, letter.id, letter.urn, clean(letter.reason), letter.attempts)


async def delete(db: Executor, ids: Collection[str]) -> None:
    """Delete the records of messages that are in the dead-letter queue no more."""
    await db.execute(_DELETE, list(ids))


async def delete_unseen(db: Executor, *, seconds: float) -> None:
    """Delete the records of messages that nobody has seen in the dead-letter queue for so long."""
    await db.execute(_DELETE_UNSEEN, seconds)


async def count(db: Executor) -> int:
    """Count the records."""
    return int(await db.fetchval(_COUNT))


async def newest(db: Executor, *, limit: int) -> Sequence[DeadLetter]:
    """List dead letters, the newest first."""
    return [DeadLetter(**row) for row in await db.fetch(_LIST, limit)]


async def retry(
    db: Executor,
    queue: MessageQueue,
    dead_letter_queue: MessageQueue,
    ids: Collection[str] | None = None,
    *,
    limit_s: float = math.inf,
) -> int:
    """Send dead letters back to the queue, all or those with these ids, and return how many; stops after `limit_s`.

    None is lost: each is sent before it is deleted. Those that are left where they are can be received again at once.
    """
    ends_at, is_last_look = time.monotonic() + limit_s, False
    sought = None if ids is None else set(ids)
    others = []
    retried = 0
    try:
        while sought is None or sought:
            messages = await dead_letter_queue.receive(limit=10, wait_s=0)
            for message in messages:
                if sought is not None and message.id not in sought:
                    others.append(message)
                    continue
                await queue.send(message.body)
                await dead_letter_queue.delete(message)
                await delete(db, [message.id])
                retried += 1
                if sought is not None:
                    sought.discard(message.id)
            if time.monotonic() >= ends_at or (not messages and is_last_look):
                break
            if not messages:
                # A sweep may be looking at the others right now.
                is_last_look = True
                await asyncio.sleep(_SECOND_LOOK_S)
    finally:
        for message in others:
            await dead_letter_queue.hide(message, 0)
    return retried
