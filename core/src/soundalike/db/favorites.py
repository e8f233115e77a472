"""Who favourites which tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from soundalike.db.database import Connection, Executor

# SoundCloud does not say since when somebody likes a track, so the time it was first seen is stored.
_ADD = """
INSERT INTO favorites ("user", track)
SELECT pairs."user", pairs.track
FROM (SELECT unnest($1::text[]), unnest($2::text[])) AS pairs ("user", track)
JOIN users u ON u.urn = pairs."user" JOIN tracks t ON t.urn = pairs.track
WHERE t.state <> 'forgotten'
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""

_COUNT = "SELECT count(*) FROM favorites"

_STREAM = """
SELECT f."user", f.track FROM favorites f JOIN tracks t ON t.urn = f.track WHERE t.state <> 'forgotten'
ORDER BY f."user", f.track
"""


async def add(db: Executor, pairs: Collection[tuple[str, str]]) -> None:
    """Store pairs `(user, track)`; unknown users and tracks and forgotten tracks are left out."""
    await db.execute(_ADD, [user for user, _ in pairs], [track for _, track in pairs])


async def count(db: Executor) -> int:
    """Return the number of favourites."""
    return int(await db.fetchval(_COUNT))


async def stream(db: Connection) -> AsyncIterator[tuple[str, str]]:
    """Yield every `(user, track)`, user by user, by a server-side cursor; needs an open transaction."""
    async for row in db.cursor(_STREAM, prefetch=5_000):
        yield row["user"], row["track"]
