"""Repairs what was lost between bucket, queue and table."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soundalike.db import dead_letters, search_names, track_requests, track_states, tracks
from soundalike.db.dead_letters import DeadLetter
from soundalike.errors import InvalidTrackId
from soundalike.extractor import s3_events
from soundalike.extractor.uploads import delete_abandoned
from soundalike.extractor.worker import GIVEN_UP_REASON
from soundalike.storage.object_keys import PREVIEWS, track_of_preview, upload_of

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId
    from soundalike.storage.message_queue import Message, MessageQueue
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

_GRACE = timedelta(minutes=15)
_MAX_DEAD_LETTERS = 1000
_PEEK_S = 30
_UNSEEN_S = 900


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The repairs of one sweep: previews that got a new message, tracks whose preview is gone, dead letters seen.

    `abandoned_uploads` is the number of deleted uploads that nobody waits for, `folded_names` that of tracks whose
    names were folded for searching.
    """

    requeued: int
    lost: int
    dead_letters: int
    abandoned_uploads: int = 0
    folded_names: int = 0


async def sweep(pool: Pool, store: ObjectStore, queue: MessageQueue, dead_letter_queue: MessageQueue) -> SweepResult:
    """Send a message for every preview that has lost its own, and mark queued tracks without a preview as lost.

    While messages wait, only previews older than a quarter of an hour count as having lost theirs; when the queue is
    empty, all do. A second message for one preview does no harm. Dead letters are read, recorded in their
    table and left where they are. Uploads are deleted when nobody can be waiting for them any more, and the names of
    tracks that were written without folding are folded for searching.
    """
    given_up = await _read_dead_letters(pool, dead_letter_queue, store.bucket)
    idle = (await queue.depth()).total == 0
    # Read before the listing: a preview that arrives later cannot make its track look lost.
    queued = await track_states.queued_longer_than(pool, seconds=0)
    before = datetime.now(UTC) - (timedelta() if idle else _GRACE)
    present: set[TrackId] = set()
    requeued = 0
    async for stored in store.list(PREVIEWS):
        try:
            track = track_of_preview(stored.key)
        except InvalidTrackId as error:
            log.warning("not a preview key, ignored: %s", error)
            continue
        present.add(track)
        if track not in given_up and stored.last_modified <= before:
            await queue.send(s3_events.format_message(stored.key, store.bucket))
            requeued += 1
    lost = [track for track in queued if track not in present]
    await track_requests.lose_previews(
        pool, lost, "the preview was lost before it was analysed; the next crawl fetches it again"
    )
    if requeued or lost:
        log.info("sweep: %d previews queued again, %d tracks need a preview again", requeued, len(lost))
    if abandoned := await delete_abandoned(pool, store):
        log.info("sweep: %d abandoned uploads deleted", abandoned)
    if folded := await search_names.refresh(pool):
        log.info("sweep: the names of %d tracks folded for searching", folded)
    return SweepResult(requeued, len(lost), len(given_up), abandoned, folded)


async def _read_dead_letters(pool: Pool, dead_letter_queue: MessageQueue, bucket: str) -> set[TrackId]:
    given_up: set[TrackId] = set()
    messages: dict[str, Message] = {}
    while len(messages) < _MAX_DEAD_LETTERS and (received := await dead_letter_queue.receive(limit=10, wait_s=0)):
        for message in received:
            await dead_letter_queue.hide(message, _PEEK_S)
            try:
                keys = [created.key for created in s3_events.parse_message(message.body, bucket=bucket)]
                if keys and all(upload_of(key) for key in keys):
                    await dead_letter_queue.delete(message)  # its client has long timed out
                    continue
                subjects = [track_of_preview(key) for key in keys]
                letter = DeadLetter(message.id, subjects[0].urn if subjects else None, dead_letters.CRASHED)
                given_up.update(subjects)
            except (s3_events.UnreadableEvent, InvalidTrackId) as error:
                log.error("dead letter %s is not about a preview", message.id)  # noqa: TRY400 - no traceback needed
                letter = DeadLetter(message.id, None, str(error))
            messages[message.id] = message
            await dead_letters.record(pool, letter)
    for message in messages.values():
        # Whoever wants to try it again must find it.
        await dead_letter_queue.hide(message, 0)
    if len(messages) < _MAX_DEAD_LETTERS:
        await dead_letters.delete_unseen(pool, seconds=_UNSEEN_S if messages else _PEEK_S)
    for track in given_up:
        status = await tracks.status(pool, track)
        # A worker that was killed while it processed the message could not leave a note itself.
        if status is not None and status.reason is None:
            await tracks.set_reason(pool, track, GIVEN_UP_REASON.format(n="too many", reason=dead_letters.CRASHED))
    return given_up
