"""Tracks whose files are gone: which they are, and what happens when a file is there again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db import embeddings, erasure, libraries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Connection, Executor
    from soundalike.db.libraries import Library

REASON: Final = "its file is gone"


@dataclass(frozen=True, slots=True)
class MissingLocations:
    """Locations of a library that a scan did not see: `paths` and `segments` side by side."""

    library: Library
    paths: Sequence[bytes]
    segments: Sequence[str]


_MISSING = "missing (path, segment) AS (SELECT * FROM unnest($2::bytea[], $3::text[]))"

_LIES_ELSEWHERE = """EXISTS (
    SELECT FROM locations o WHERE o.urn = l.urn AND o.gone_at IS NULL
        AND (o.library <> $1 OR (o.path, o.segment) NOT IN (SELECT path, segment FROM missing))
)"""

_COUNT_LOST = f"""
WITH {_MISSING}
SELECT count(DISTINCT l.urn) FROM missing JOIN locations l USING (path, segment) JOIN tracks t USING (urn)
WHERE l.library = $1 AND l.gone_at IS NULL AND t.state NOT IN ('forgotten', 'gone') AND NOT {_LIES_ELSEWHERE}
"""  # noqa: S608 - constants of this module

# Of what holds no track, and of what was moved, nothing is kept.
_DELETE_MOVED = f"""
WITH {_MISSING}
DELETE FROM locations l USING missing
WHERE l.library = $1 AND l.path = missing.path AND l.segment = missing.segment AND (l.urn IS NULL OR {_LIES_ELSEWHERE})
"""  # noqa: S608 - constants of this module

_MARK_LOCATIONS = f"""
WITH {_MISSING}
UPDATE locations l SET gone_at = now() FROM missing
WHERE l.library = $1 AND l.path = missing.path AND l.segment = missing.segment AND l.gone_at IS NULL
"""  # noqa: S608 - constants of this module

_MARK = """
UPDATE tracks t SET state = 'gone', reason = $2, updated_at = now()
WHERE t.state NOT IN ('gone', 'forgotten')
    AND t.urn IN (SELECT urn FROM locations WHERE library = $1 AND gone_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM locations l WHERE l.urn = t.urn AND l.gone_at IS NULL)
"""

_MARK_ALL_LOCATIONS = "UPDATE locations SET gone_at = now() WHERE library = $1 AND gone_at IS NULL"

_RESTORE = """
UPDATE tracks SET reason = NULL, updated_at = now(), state = CASE WHEN EXISTS (
    SELECT FROM embeddings e JOIN models m USING (model) WHERE e.urn = tracks.urn AND m.current
) THEN 'ready' ELSE 'pending' END
WHERE urn = ANY($1) AND state = 'gone' RETURNING urn
"""

_GONE = "SELECT urn FROM tracks WHERE state = 'gone' ORDER BY urn"

_COUNT = "SELECT count(*) FROM tracks WHERE state = 'gone'"

# Files that were crawled before there were locations, and those of lists.
_MARK_UNLOCATED = """
UPDATE tracks t SET state = 'gone', reason = $1, updated_at = now()
WHERE t.source = 'file' AND t.state NOT IN ('gone', 'forgotten')
    AND NOT EXISTS (SELECT FROM locations l WHERE l.urn = t.urn)
"""

_DELETE_GONE_LOCATIONS = "DELETE FROM locations WHERE gone_at IS NOT NULL"


async def count_lost(db: Executor, missing: MissingLocations) -> int:
    """Count the tracks that lie at missing locations and nowhere else."""
    return int(await db.fetchval(_COUNT_LOST, missing.library.id, missing.paths, missing.segments))


async def mark(db: Connection, missing: MissingLocations) -> int:
    """Store that locations are gone, and with them the tracks that lie nowhere else; returns how many tracks.

    Also gone are tracks whose files hold others now.
    """
    arguments = missing.library.id, missing.paths, missing.segments
    async with db.transaction():
        await db.execute(_DELETE_MOVED, *arguments)
        await db.execute(_MARK_LOCATIONS, *arguments)
        return await _mark_tracks(db, missing.library)


async def remove_library(db: Connection, library: Library) -> int:
    """Delete a library; the tracks that lie nowhere else are gone. Returns how many."""
    async with db.transaction():
        await db.execute(_MARK_ALL_LOCATIONS, library.id)
        count = await _mark_tracks(db, library)
        await libraries.delete(db, library)
    return count


async def restore(db: Connection, urns: Sequence[str]) -> int:
    """Bring back the tracks among `urns` that are gone: `ready` where they have an embedding, else `pending`.

    Returns how many there were.
    """
    async with db.transaction():
        restored = [row["urn"] for row in await db.fetch(_RESTORE, list(urns))]
        if restored:
            await embeddings.renew(db, restored)
    return len(restored)


async def prune(db: Connection) -> int:
    """Delete the tracks that are gone for good, with all that is known of them; returns how many.

    Nothing is blocked: a file that comes back is a new track.
    """
    async with db.transaction():
        urns = [row["urn"] for row in await db.fetch(_GONE)]
        await erasure.delete_tracks(db, urns)
        await db.execute(_DELETE_GONE_LOCATIONS)
    return len(urns)


async def mark_unlocated(db: Connection) -> int:
    """Store that the tracks of files are gone that lie in no library; returns how many."""
    async with db.transaction():
        count = int((await db.execute(_MARK_UNLOCATED, REASON)).rpartition(" ")[2])
        await embeddings.notify(db)
    return count


async def count(db: Executor) -> int:
    """Count the tracks that are gone."""
    return int(await db.fetchval(_COUNT))


async def _mark_tracks(db: Connection, library: Library) -> int:
    status = await db.execute(_MARK, library.id, REASON)
    count = int(status.rpartition(" ")[2])
    if count:
        await embeddings.notify(db)
    return count
