"""Comparing bucket, queue and table, and repairing what was lost between them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soundalike.db import search_names, tracks
from soundalike.errors import InvalidTrackId
from soundalike.extractor import s3_events
from soundalike.extractor.uploads import clear_up
from soundalike.extractor.worker import GIVEN_UP
from soundalike.storage.object_keys import PREVIEWS, track_of_preview, upload_of

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.storage.message_queue import MessageQueue
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

_GRACE = timedelta(minutes=15)
_MOST_DEAD_LETTERS = 1000
_LOOK_S = 30


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep repaired: previews that got a new message, tracks whose preview is gone, dead letters seen.

    `left_behind` are recordings that nobody compares any more, `named` tracks that can be found by their names now.
    """

    requeued: int
    lost: int
    dead: int
    left_behind: int = 0
    named: int = 0


async def sweep(pool: Pool, store: ObjectStore, queue: MessageQueue, dead_letters: MessageQueue) -> Swept:
    """Give every preview a message again that has lost its own, and every queued track without a preview its due.

    While messages wait, only previews older than a quarter of an hour are taken for forgotten; when the queue is
    empty, all are. A second message for one preview does no harm. Dead letters are read and left where they are.
    Recordings that were to be compared are deleted where nobody can be waiting any more, and the names of tracks that
    were written by a way of their own are folded for searching.
    """
    given_up = await _read_dead_letters(pool, dead_letters)
    idle = (await queue.depth()).total == 0
    # Read before the listing: a preview that arrives later cannot make its track look lost.
    queued = await tracks.queued_longer_than(pool, seconds=0)
    before = datetime.now(UTC) - (timedelta() if idle else _GRACE)
    present: set[TrackId] = set()
    requeued = 0
    async for found in store.list(PREVIEWS):
        try:
            track = track_of_preview(found.key)
        except InvalidTrackId as error:
            log.warning("not a preview of ours, left alone: %s", error)
            continue
        present.add(track)
        if track not in given_up and found.last_modified <= before:
            await queue.send(s3_events.write(found.key))
            requeued += 1
    lost = [track for track in queued if track not in present]
    for track in lost:
        await tracks.mark_preview_lost(
            pool, track, "the preview was lost before it was heard; the next crawl fetches it"
        )
    if requeued or lost:
        log.info("sweep: %d previews queued again, %d tracks owed a preview again", requeued, len(lost))
    if left_behind := await clear_up(pool, store):
        log.info("sweep: %d recordings deleted that nobody compares any more", left_behind)
    if named := await search_names.refresh(pool):
        log.info("sweep: the names of %d tracks folded for searching", named)
    return Swept(requeued, len(lost), len(given_up), left_behind, named)


async def redrive(queue: MessageQueue, dead_letters: MessageQueue) -> int:
    """Send every dead letter back to the queue it came from; returns how many."""
    moved = 0
    while messages := await dead_letters.receive(limit=10, wait_s=0):
        for message in messages:
            await queue.send(message.body)
            await dead_letters.delete(message)
            moved += 1
    return moved


async def _read_dead_letters(pool: Pool, dead_letters: MessageQueue) -> set[TrackId]:
    given_up: set[TrackId] = set()
    seen: set[str] = set()
    while len(seen) < _MOST_DEAD_LETTERS and (messages := await dead_letters.receive(limit=10, wait_s=0)):
        for message in messages:
            await dead_letters.hide(message, _LOOK_S)
            seen.add(message.id)
            try:
                keys = [created.key for created in s3_events.read(message.body)]
                if keys and all(upload_of(key) for key in keys):
                    await dead_letters.delete(message)  # whoever waited for it has long given up
                    continue
                given_up |= {track_of_preview(key) for key in keys}
            except (s3_events.UnreadableEvent, InvalidTrackId):
                log.error("dead letter %s is no preview of ours", message.id)  # noqa: TRY400 - no traceback needed
    for track in given_up:
        standing = await tracks.status(pool, track)
        # A worker that was killed with the message in its hands could not leave a note itself.
        if standing is not None and standing.reason is None:
            await tracks.set_reason(pool, track, GIVEN_UP.format(n="too many", reason="the extractor died each time"))
    return given_up
