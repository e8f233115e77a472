"""Tracks that people ask for: a row that shows where each stands, and an errand for a crawler that watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.db import task_queue, tracks
from soundalike.db.tracks import State
from soundalike.errors import PermanentError

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.domain.track_id import TrackId

TASK: Final = "add"
"""Name of the errand in the manifest."""

REASON: Final = "somebody asked for it; the next crawler that watches fetches its preview"

_NEVER_FETCHED: Final = frozenset({"file"})
_TRIED_AGAIN: Final = frozenset({State.PENDING, State.NO_PREVIEW, State.REJECTED})

# What failed before is tried again, because somebody wants it now.
_WANT = """
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
    """Ask for a track and return its state with the reason; only one that is `pending` is put on the to-do list.

    Raises `NotFetchable`.
    """
    if track.source in _NEVER_FETCHED:
        standing = await tracks.status(pool, track)
        if standing is not None and standing.state not in _TRIED_AGAIN:
            return standing.state, standing.reason
        raise NotFetchable(
            f"{track.urn} is a file on somebody's machine: whoever has it adds it by crawling its folder, "
            "make crawl FOLDER=<path>"
        )
    async with pool.acquire() as db, db.transaction():
        row = await db.fetchrow(_WANT, track.urn, track.source, REASON)
        assert row is not None  # noqa: S101 - written or found, there is a row
        state = State(row["state"])
        if state is State.PENDING:
            await task_queue.enqueue_now(db, "track", track.urn, TASK)
    return state, row["reason"]
