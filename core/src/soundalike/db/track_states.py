"""Tracks by their states: how many there are, and which wait or have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db.tracks import COLUMNS, State, read_stored_track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from datetime import datetime

    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack

_QUEUED_URNS = "SELECT urn FROM tracks WHERE state = 'queued' AND updated_at < now() - make_interval(secs => $1)"

_COUNTS = "SELECT state, count(*) AS n FROM tracks GROUP BY state"

# A queued track with a reason is one that the extractors have given up.
_WAITING = "SELECT count(*) FROM tracks WHERE state = 'queued' AND reason IS NULL"

_FAILURES_SINCE = f"""
SELECT {COLUMNS} FROM tracks
WHERE updated_at >= $1 AND (state IN ('rejected', 'no_preview') OR state = 'queued' AND reason IS NOT NULL)
ORDER BY updated_at, urn LIMIT $2
"""  # noqa: S608 - a constant of this module


async def queued_longer_than(db: Executor, *, seconds: float) -> list[TrackId]:
    """List the tracks that have been queued for longer than `seconds`."""
    return [TrackId.from_urn(row["urn"]) for row in await db.fetch(_QUEUED_URNS, float(seconds))]


async def count_waiting(db: Executor) -> int:
    """Count the queued tracks that are still to be analysed: not those that the extractors have given up."""
    return int(await db.fetchval(_WAITING))


async def failures_since(db: Executor, moment: datetime, *, limit: int = 100_000) -> list[StoredTrack]:
    """List the tracks written since the moment that are rejected, without a preview, or given up by the extractors."""
    return [read_stored_track(row) for row in await db.fetch(_FAILURES_SINCE, moment, limit)]


async def count_by_state(db: Executor) -> dict[State, int]:
    """Count the tracks in each state; the values sum to the number of tracks."""
    counts = {State(row["state"]): int(row["n"]) for row in await db.fetch(_COUNTS)}
    return {state: counts.get(state, 0) for state in State}
