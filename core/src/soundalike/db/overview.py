"""The state of the platform: tracks by state, queues, index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.db import embeddings, index_versions, models, track_states, tracks
from soundalike.errors import QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.db.database import Executor
    from soundalike.storage.message_queue import Depth, MessageQueue


@dataclass(frozen=True, slots=True)
class Overview:
    """What `soundalike status` shows; the values of `by_state` sum to `total`.

    `queue` and `dead_letters` are None while the queues are not available.
    """

    total: int
    by_state: Mapping[tracks.State, int]
    queue: Depth | None
    dead_letters: int | None
    model: str | None
    version: str | None
    in_version: int
    tail: int


@dataclass(frozen=True, slots=True)
class TrackCounts:
    """The tracks in each state, and for how many seconds the oldest queued track has been waiting."""

    by_state: Mapping[tracks.State, int]
    oldest_queued_s: float | None


# One statement, and two indexes: the counts read one, the oldest is the first entry of the other.
_COUNTS = """
SELECT state, count(*) AS n,
       (SELECT extract(epoch FROM now() - min(updated_at))::float8 FROM tracks WHERE state = 'queued') AS waited_s
FROM tracks GROUP BY state
"""


async def track_counts(db: Executor) -> TrackCounts:
    """Count the tracks by state; the age shows whether the extractors keep up."""
    rows = await db.fetch(_COUNTS)
    counts = {tracks.State(row["state"]): int(row["n"]) for row in rows}
    return TrackCounts({state: counts.get(state, 0) for state in tracks.State}, rows[0]["waited_s"] if rows else None)


async def overview(
    db: Executor,
    queue: MessageQueue | None,
    dead_letters: MessageQueue | None,
    by_state: Mapping[tracks.State, int] | None = None,
) -> Overview:
    """Gather the overview, with `by_state` where the tracks have just been counted; raises what the database raises."""
    if by_state is None:
        by_state = await track_states.count_by_state(db)
    model = await models.current(db)
    version = await index_versions.get_published(db, model.model) if model else None
    newer = await embeddings.tail_size(db, model.model, version.up_to_seq if version else 0) if model else None
    return Overview(
        total=sum(by_state.values()),
        by_state=by_state,
        queue=await _depth(queue),
        dead_letters=waiting.total if (waiting := await _depth(dead_letters)) else None,
        model=model.model if model else None,
        version=version.version if version else None,
        in_version=version.tracks if version else 0,
        tail=newer.count if newer else 0,
    )


async def _depth(queue: MessageQueue | None) -> Depth | None:
    try:
        return await queue.depth() if queue else None
    except QueueUnavailable:
        return None
