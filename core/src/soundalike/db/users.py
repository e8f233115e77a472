"""Queries over SoundCloud's accounts; of a person the catalogue holds a URN and counts, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import timedelta

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class User:
    """An account; counts are None where SoundCloud does not tell them."""

    urn: str
    track_count: int | None = None
    favorites_count: int | None = None
    followers_count: int | None = None


# In one order, so that two walks that meet the same people do not wait for each other in a circle.
_UPSERT = """
INSERT INTO users (urn, track_count, favorites_count, followers_count)
SELECT urn, tracks, favorites, followers
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) AS given (urn, tracks, favorites, followers)
WHERE NOT EXISTS (SELECT FROM blocks b WHERE b.urn = given.urn)
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

_EXPIRED = """
DELETE FROM users WHERE urn IN (SELECT urn FROM users WHERE seen_at < now() - $1::interval LIMIT $2) RETURNING urn
"""

_FORGET = "DELETE FROM users WHERE urn = ANY($1)"


async def upsert(db: Executor, users: Collection[User]) -> list[str]:
    """Write accounts, keeping when each was first seen; returns the URNs of those that may be held."""
    once = list({user.urn: user for user in users}.values())
    rows = await db.fetch(
        _UPSERT,
        [user.urn for user in once],
        [user.track_count for user in once],
        [user.favorites_count for user in once],
        [user.followers_count for user in once],
    )
    return [row["urn"] for row in rows]


async def get(db: Executor, urn: str) -> User | None:
    """Return one account, or None when the walk never came by."""
    row = await db.fetchrow(_GET, urn)
    return User(**row) if row else None


async def count(db: Executor) -> int:
    """Return the number of accounts."""
    return int(await db.fetchval(_COUNT))


async def delete_unseen(db: Executor, unseen_for: timedelta, *, limit: int = 10_000) -> list[str]:
    """Delete up to `limit` accounts that no walk has met for so long, with their favourites; returns their URNs."""
    return [row["urn"] for row in await db.fetch(_EXPIRED, unseen_for, limit)]


async def delete(db: Executor, urns: Sequence[str]) -> None:
    """Delete accounts with their favourites."""
    await db.execute(_FORGET, list(urns))
