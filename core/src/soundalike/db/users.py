"""SoundCloud's accounts; the catalogue stores the URN and counts of a person, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import timedelta

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class User:
    """An account; counts are None where SoundCloud hides them."""

    urn: str
    track_count: int | None = None
    favorites_count: int | None = None
    followers_count: int | None = None


# In one order, so that two walks that meet the same people do not deadlock.
_UPSERT = """
INSERT INTO users (urn, track_count, favorites_count, followers_count)
SELECT urn, tracks, favorites, followers
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS accounts (urn, tracks, favorites, followers)
WHERE NOT EXISTS (SELECT FROM blocks b WHERE b.urn = accounts.urn)
ORDER BY urn
ON CONFLICT (urn) DO UPDATE SET
    track_count = coalesce(EXCLUDED.track_count, users.track_count),
    favorites_count = coalesce(EXCLUDED.favorites_count, users.favorites_count),
    followers_count = coalesce(EXCLUDED.followers_count, users.followers_count),
    seen_at = now()
RETURNING urn
"""

_GET = "SELECT urn, track_count, favorites_count, followers_count FROM users WHERE urn = $1"

_COUNT = "SELECT count(*) FROM users"

_DELETE_UNSEEN = """
WITH unseen AS (
    DELETE FROM users WHERE urn IN (SELECT urn FROM users WHERE seen_at < now() - $1::interval LIMIT $2) RETURNING urn
), tasks AS (DELETE FROM manifest WHERE kind = 'user' AND urn IN (SELECT urn FROM unseen))
SELECT urn FROM unseen
"""

_DELETE = """
WITH tasks AS (DELETE FROM manifest WHERE kind = 'user' AND urn = ANY($1)) DELETE FROM users WHERE urn = ANY($1)
"""


async def upsert(db: Executor, users: Collection[User]) -> list[str]:
    """Write accounts, keeping when each was first seen; returns the URNs of those that are not blocked."""
    unique = list({user.urn: user for user in users}.values())
    rows = await db.fetch(
        _UPSERT,
        [user.urn for user in unique],
        [user.track_count for user in unique],
        [user.favorites_count for user in unique],
        [user.followers_count for user in unique],
    )
    return [row["urn"] for row in rows]


async def get(db: Executor, urn: str) -> User | None:
    """Return one account, or None for an unknown one."""
    row = await db.fetchrow(_GET, urn)
    return User(**row) if row else None


async def count(db: Executor) -> int:
    """Return the number of accounts."""
    return int(await db.fetchval(_COUNT))


async def delete_unseen(db: Executor, unseen_for: timedelta, *, limit: int = 10_000) -> list[str]:
    """Delete up to `limit` accounts not seen for `unseen_for`, with favourites and tasks; returns their URNs."""
    return [row["urn"] for row in await db.fetch(_DELETE_UNSEEN, unseen_for, limit)]


async def delete(db: Executor, urns: Sequence[str]) -> None:
    """Delete accounts with their favourites and tasks."""
    await db.execute(_DELETE, list(urns))
