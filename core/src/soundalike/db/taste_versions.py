"""Taste versions; at most one is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from soundalike.db.database import Connection, Executor


@dataclass(frozen=True, slots=True)
class TasteVersionRecord:
    """A version: its method, the numbers of its favourites and tracks, and the prefix of its files.

    `manifest_sha256` is as in `db.index_versions`.
    """

    version: str
    method: str
    favorites: int
    tracks: int
    location: str
    manifest_sha256: str | None = None
    published_at: datetime | None = None


_PUBLISHED = """
SELECT version, method, favorites, tracks, location, manifest_sha256, published_at FROM taste_versions
WHERE state = 'published'
"""

_LOCK = "LOCK TABLE taste_versions IN SHARE ROW EXCLUSIVE MODE"

_RETIRE = "UPDATE taste_versions SET state = 'retired' WHERE state = 'published'"

_ADD = """
INSERT INTO taste_versions (version, method, favorites, tracks, location, manifest_sha256, state)
VALUES ($1, $2, $3, $4, $5, $6, 'published')
"""

_WITHOUT_DIGEST = """
SELECT version, location FROM taste_versions WHERE manifest_sha256 IS NULL AND state = 'published'
"""

_SET_DIGEST = "UPDATE taste_versions SET manifest_sha256 = $2 WHERE version = $1 AND manifest_sha256 IS NULL"


async def get_published(db: Executor) -> TasteVersionRecord | None:
    """Return the published version, or None while there is none."""
    row = await db.fetchrow(_PUBLISHED)
    return TasteVersionRecord(**row) if row else None


async def publish(db: Connection, row: TasteVersionRecord) -> None:
    """Publish a version whose files are in the bucket, in one transaction."""
    async with db.transaction():
        await db.execute(_LOCK)
        await db.execute(_RETIRE)
        await db.execute(_ADD, row.version, row.method, row.favorites, row.tracks, row.location, row.manifest_sha256)


async def without_digest(db: Executor) -> dict[str, str]:
    """Return the location of the published version, by name, if its manifest has no recorded digest."""
    return {row["version"]: row["location"] for row in await db.fetch(_WITHOUT_DIGEST)}


async def set_digest(db: Executor, version: str, manifest_sha256: str) -> None:
    """Record the digest of a version that has none; one that is recorded never changes."""
    await db.execute(_SET_DIGEST, version, manifest_sha256)
