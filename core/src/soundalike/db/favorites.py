"""Queries over who favourites what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from soundalike.db.database import Connection, Executor

# SoundCloud does not say when somebody began to like something, so it is kept when that was first seen.
_ADD = """
INSERT INTO favorites ("user", track)
SELECT given."user", given.track
FROM (SELECT unnest($1::text[]), unnest($2::text[])) AS given ("user", track)
JOIN users u ON u.urn = given."user" JOIN tracks t ON t.urn = given.track
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
    """Note that users favourite tracks, `(user, track)` each; what may not be held is left out."""
    await db.execute(_ADD, [user for user, _ in pairs], [track for _, track in pairs])


async def count(db: Executor) -> int:
    """Return how many favourites are known."""
    return int(await db.fetchval(_COUNT))


async def stream(db: Connection) -> AsyncIterator[tuple[str, str]]:
    """Yield every `(user, track)`, user by user, by a server-side cursor; the caller holds a transaction open."""
    async for row in db.cursor(_STREAM, prefetch=5_000):
        yield row["user"], row["track"]
