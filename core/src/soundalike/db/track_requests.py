"""Tracks that people request: a row with the state of each, and a task for a crawler that watches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from soundalike.db import losses, task_queue, tracks
from soundalike.db.losses import Loss
from soundalike.db.tracks import State
from soundalike.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor, Pool
    from soundalike.domain.track_id import TrackId

TASK: Final = "add"
"""The request of the task in the queue."""

# A store that loses everything must not make the crawler fetch without a pause.
_LOST_RETRY: Final = timedelta(minutes=1)

REASON: Final = "requested; the watcher will fetch its preview"

_NEVER_FETCHED: Final = frozenset({"file"})
_RETRIED: Final = frozenset({State.PENDING, State.NO_PREVIEW, State.REJECTED})

# A track that failed before is tried again.
_REQUEST = """
INSERT INTO tracks (urn, source, title, reason) VALUES ($1, $2, '', $3)
ON CONFLICT (urn) DO UPDATE SET
    state = CASE WHEN tracks.state IN ('no_preview', 'rejected') THEN 'pending' ELSE tracks.state END,
    reason = CASE WHEN tracks.state IN ('no_preview', 'rejected') THEN EXCLUDED.reason ELSE tracks.reason END,
    updated_at = CASE WHEN tracks.state IN ('no_preview', 'rejected') THEN now() ELSE tracks.updated_at END
RETURNING state, reason
"""


class NotFetchable(PermanentError):
    """No crawler can fetch tracks of this source by their id."""


async def request_track(pool: Pool, track: TrackId) -> tuple[State, str | None]:
    """Request a track and return its state with the reason; only one that is `pending` becomes a task.

    Raises `NotFetchable`.
    """
    if track.source in _NEVER_FETCHED:
        status = await tracks.status(pool, track)
        if status is not None and status.state not in _RETRIED:
            return status.state, status.reason
        raise NotFetchable(
            f"{track.urn} is a local file; add it by crawling its folder where it lies: make crawl FOLDER=<path>"
        )
    async with pool.acquire() as db, db.transaction():
        row = await db.fetchrow(_REQUEST, track.urn, track.source, REASON)
        assert row is not None  # noqa: S101 - inserted or updated, there is a row
        state = State(row["state"])
        if state is State.PENDING:
            await task_queue.enqueue_now(db, "track", track.urn, TASK)
    return state, row["reason"]


async def lose_previews(db: Executor, lost: Sequence[TrackId], reason: str) -> None:
    """Set tracks whose previews are lost back to `pending`, and record the loss.

    Those that were requested are fetched again after a minute.
    """
    for track in lost:
        await tracks.mark_preview_lost(db, track, reason)
        await task_queue.reopen(db, "track", track.urn, TASK, due_in=_LOST_RETRY)
    if lost:
        await losses.record(db, Loss("previews", "previews of queued tracks", len(lost)))
