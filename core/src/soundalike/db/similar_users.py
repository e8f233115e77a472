"""Users with a similar taste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class UserSimilarity:
    """An account, how many favourites it shares with another, and the cosine of the two, between 0 and 1."""

    urn: str
    shared: int
    score: float


# Limits on favourites and on the fans of each: popular tracks have millions, which say little.
_FAVORITES = 1_000
_FANS = 1_000
_SHORT_LIST = 500

_OF_USER = """
SELECT f.track FROM users u LEFT JOIN favorites f ON f."user" = u.urn
WHERE u.urn = $1 ORDER BY f.first_seen_at DESC, f.track LIMIT $2
"""

_SIMILAR = """
WITH mine AS MATERIALIZED (
    SELECT track FROM favorites WHERE "user" = $1 ORDER BY first_seen_at DESC, track LIMIT $3
), shared AS (
    SELECT fan."user", count(*) AS tracks
    FROM mine CROSS JOIN LATERAL (SELECT f."user" FROM favorites f WHERE f.track = mine.track LIMIT $4) AS fan
    WHERE fan."user" <> $1 GROUP BY fan."user" ORDER BY tracks DESC, fan."user" LIMIT $5
), scored AS (
    SELECT s."user", s.tracks, s.tracks / sqrt((SELECT count(*) FROM mine)::float8 * theirs.tracks) AS score
    FROM shared s
    CROSS JOIN LATERAL (SELECT count(*) AS tracks FROM favorites f WHERE f."user" = s."user") AS theirs
)
SELECT scored."user", scored.tracks, least(scored.score, 1) AS score
FROM users u LEFT JOIN scored ON true WHERE u.urn = $1
ORDER BY scored.score DESC, scored."user" LIMIT $2
"""


async def favorites_of(db: Executor, user: str, *, limit: int) -> Sequence[str] | None:
    """Return the tracks that a user favourites, those seen last first, or None for an unknown user."""
    rows = await db.fetch(_OF_USER, user, limit)
    return [row["track"] for row in rows if row["track"] is not None] if rows else None


async def similar_users(db: Executor, user: str, *, limit: int) -> Sequence[UserSimilarity] | None:
    """Return the users with the most favourites in common, by the cosine; None for an unknown user."""
    rows = await db.fetch(_SIMILAR, user, limit, _FAVORITES, _FANS, _SHORT_LIST)
    if not rows:
        return None
    return [UserSimilarity(row["user"], row["tracks"], row["score"]) for row in rows if row["user"] is not None]
