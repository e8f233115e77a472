"""The two questions a recommendation asks the database: about the query, and about the candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from catalog.track_id import TrackId
from catalog.tracks import State, Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg
    from numpy.typing import NDArray

    from catalog.database import Executor


@dataclass(frozen=True, slots=True, eq=False)
class HeardTrack:
    """A track with what one model heard of it: `vector` is raw, float32 [D], None where it heard nothing.

    `tag_probabilities` [50] is in the order of `catalog.tags`, None where the model said none.
    """

    track: Track
    state: State
    reason: str | None
    vector: NDArray[np.float32] | None
    tag_probabilities: Sequence[float] | None = None


_COLUMNS = """t.urn, t.title, t.artists, t.album, t.duration_ms, t.isrc, t.link, t.state, t.reason, e.vector,
e.tag_probabilities"""

_QUERY = f"""
SELECT {_COLUMNS} FROM tracks t LEFT JOIN embeddings e ON e.urn = t.urn AND e.model = $2 WHERE t.urn = $1
"""  # noqa: S608 - a constant of this module

_CANDIDATES = f"""
SELECT {_COLUMNS} FROM tracks t JOIN embeddings e ON e.urn = t.urn AND e.model = $2
WHERE t.urn = ANY($1) AND t.state = 'ready'
"""  # noqa: S608 - a constant of this module


async def query_track(db: Executor, track: TrackId, model: str) -> HeardTrack | None:
    """Return the track that is asked about, or None when the catalogue does not know it."""
    row = await db.fetchrow(_QUERY, track.urn, model)
    return _heard(row) if row else None


async def ready_candidates(db: Executor, urns: Sequence[str], model: str) -> Mapping[str, HeardTrack]:
    """Return the tracks among `urns` that may be recommended, by URN; each has a vector."""
    return {row["urn"]: _heard(row) for row in await db.fetch(_CANDIDATES, list(urns), model)}


def _heard(row: asyncpg.Record) -> HeardTrack:
    track = Track(
        id=TrackId.from_urn(row["urn"]),
        title=row["title"],
        artists=tuple(row["artists"]),
        album=row["album"],
        duration_ms=row["duration_ms"],
        isrc=row["isrc"],
        link=row["link"],
    )
    vector: Any = row["vector"]
    return HeardTrack(
        track=track,
        state=State(row["state"]),
        reason=row["reason"],
        vector=None if vector is None else np.asarray(vector.to_numpy(), np.float32),
        tag_probabilities=row["tag_probabilities"],
    )
