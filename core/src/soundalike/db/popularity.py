"""SoundCloud's counts of its tracks: plays, favourites, reposts and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.domain.text import clean_or_none

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class Popularity:
    """The counts of one track; None where the uploader hides them."""

    track: str
    genre: str | None = None
    label: str | None = None
    published_at: datetime | None = None
    playbacks: int | None = None
    favoritings: int | None = None
    reposts: int | None = None
    comments: int | None = None
    downloads: int | None = None


_UPSERT = """
INSERT INTO track_popularity AS p
    (track, genre, label, published_at, playbacks, favoritings, reposts, comments, downloads)
SELECT counts.* FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[]
) AS counts (track) JOIN tracks t ON t.urn = counts.track AND t.state <> 'forgotten'
ORDER BY track
ON CONFLICT (track) DO UPDATE SET
    genre = EXCLUDED.genre, label = EXCLUDED.label, published_at = coalesce(EXCLUDED.published_at, p.published_at),
    playbacks = coalesce(EXCLUDED.playbacks, p.playbacks),
    favoritings = coalesce(EXCLUDED.favoritings, p.favoritings), reposts = coalesce(EXCLUDED.reposts, p.reposts),
    comments = coalesce(EXCLUDED.comments, p.comments), downloads = coalesce(EXCLUDED.downloads, p.downloads),
    counted_at = now()
"""

_GET = """
SELECT track, genre, label, published_at, playbacks, favoritings, reposts, comments, downloads
FROM track_popularity WHERE track = $1
"""


async def upsert(db: Executor, rows: Collection[Popularity]) -> None:
    """Write the counts of tracks, except forgotten ones; a count that is hidden now keeps its value."""
    unique = list({each.track: each for each in rows}.values())
    await db.execute(
        _UPSERT,
        [each.track for each in unique],
        [clean_or_none(each.genre) for each in unique],
        [clean_or_none(each.label) for each in unique],
        [each.published_at for each in unique],
        [each.playbacks for each in unique],
        [each.favoritings for each in unique],
        [each.reposts for each in unique],
        [each.comments for each in unique],
        [each.downloads for each in unique],
    )


async def get(db: Executor, track: str) -> Popularity | None:
    """Return the counts of a track, or None where there are none."""
    row = await db.fetchrow(_GET, track)
    return Popularity(**row) if row else None
