"""What the extractors analyse right now, what they have analysed, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.throughput import Throughput

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.domain.track_id import TrackId

LEASE_S: Final = 30.0
"""How long an analysis counts as going on without a sign of its worker."""

WINDOW_S: Final = 60.0
"""The time over which the speed is measured."""

# As many embeddings as are looked at for the speed: no more are made in a minute.
_MAX_COUNTED: Final = 5_000


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of a track: `at` is when it began, or when it ended."""

    urn: str
    title: str
    artists: tuple[str, ...]
    at: datetime


# The lock waits for a track that is being forgotten, so that nothing is written of it afterwards.
_BEGIN = """
INSERT INTO analyses (urn, worker, ends_by)
SELECT urn, $2, now() + make_interval(secs => $3) FROM tracks WHERE urn = $1 AND state <> 'forgotten' FOR SHARE
ON CONFLICT (urn, worker) DO UPDATE SET began_at = now(), ends_by = EXCLUDED.ends_by
"""

_EXTEND = "UPDATE analyses SET ends_by = now() + make_interval(secs => $2) WHERE worker = $1"

_DELETE_EXPIRED = "DELETE FROM analyses WHERE ends_by <= now()"

_END = "DELETE FROM analyses WHERE urn = $1 AND worker = $2"

_END_ALL = "DELETE FROM analyses WHERE worker = $1"

_ACTIVE = """
SELECT t.urn, t.title, t.artists, min(a.began_at) AS at FROM analyses a JOIN tracks t USING (urn)
WHERE a.ends_by > now() GROUP BY t.urn ORDER BY at, t.urn LIMIT $1
"""

_RECENT = """
SELECT t.urn, t.title, t.artists, e.extracted_at AS at FROM embeddings e JOIN tracks t USING (urn)
WHERE e.model = $1 AND t.state = 'ready' ORDER BY e.seq DESC LIMIT $2
"""

# From the first in the window up to now, so that a pause before it counts for nothing and one behind it does.
_THROUGHPUT = """
SELECT count(*) - 1 AS finished, extract(epoch FROM clock_timestamp() - min(extracted_at))::float8 AS seconds
FROM (SELECT extracted_at FROM embeddings WHERE model = $1 ORDER BY seq DESC LIMIT $3) AS newest
WHERE extracted_at > now() - make_interval(secs => $2)
"""


async def begin(db: Executor, track: TrackId, worker: UUID) -> None:
    """Note that a worker analyses a track of the catalogue from now on."""
    await db.execute(_BEGIN, track.urn, worker, LEASE_S)


async def extend(db: Executor, worker: UUID) -> None:
    """Note that a worker still analyses what it has begun; what others have left behind is deleted."""
    await db.execute(_EXTEND, worker, LEASE_S)
    await db.execute(_DELETE_EXPIRED)


async def end(db: Executor, track: TrackId, worker: UUID) -> None:
    """Note that a worker has ended an analysis."""
    await db.execute(_END, track.urn, worker)


async def end_all(db: Executor, worker: UUID) -> None:
    """Note that a worker ends."""
    await db.execute(_END_ALL, worker)


async def active(db: Executor, *, limit: int) -> list[Analysis]:
    """List what is analysed right now, longest first."""
    return [_analysis(row) for row in await db.fetch(_ACTIVE, limit)]


async def recent(db: Executor, model: str, *, limit: int) -> list[Analysis]:
    """List what was analysed last, newest first."""
    return [_analysis(row) for row in await db.fetch(_RECENT, model, limit)]


async def throughput(db: Executor, model: str) -> Throughput:
    """Measure how many tracks were analysed in the last minute, since the first of them."""
    row = await db.fetchrow(_THROUGHPUT, model, WINDOW_S, _MAX_COUNTED)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return Throughput(max(0, int(row["finished"])), row["seconds"] or 0.0)


def _analysis(row: asyncpg.Record) -> Analysis:
    return Analysis(row["urn"], row["title"], tuple(row["artists"]), row["at"])
