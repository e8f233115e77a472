"""Taste versions; at most one is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from soundalike.db.database import Connection, Executor


@dataclass(frozen=True, slots=True)
class TasteVersionRecord:
    """A version: its method, the numbers of its favourites and tracks, and the prefix of its files."""

    version: str
    method: str
    favorites: int
    tracks: int
    location: str
    published_at: datetime | None = None


_PUBLISHED = """
SELECT version, method, favorites, tracks, location, published_at FROM taste_versions WHERE state = 'published'
"""

_LOCK = "LOCK TABLE taste_versions IN SHARE ROW EXCLUSIVE MODE"

_RETIRE = "UPDATE taste_versions SET state = 'retired' WHERE state = 'published'"

_ADD = """
INSERT INTO taste_versions (version, method, favorites, tracks, location, state)
VALUES ($1, $2, $3, $4, $5, 'published')
"""


async def get_published(db: Executor) -> TasteVersionRecord | None:
    """Return the published version, or None while there is none."""
    row = await db.fetchrow(_PUBLISHED)
    return TasteVersionRecord(**row) if row else None


async def publish(db: Connection, row: TasteVersionRecord) -> None:
    """Publish a version whose files are in the bucket, in one transaction."""
    async with db.transaction():
        await db.execute(_LOCK)
        await db.execute(_RETIRE)
        await db.execute(_ADD, row.version, row.method, row.favorites, row.tracks, row.location)
