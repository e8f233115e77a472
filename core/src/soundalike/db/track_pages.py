"""The tracks of the catalogue page by page, each page from where the one before ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db.tracks import COLUMNS, State, read_stored_track

if TYPE_CHECKING:
    from collections.abc import Collection

    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack

SOURCES: Final = ("deezer", "file", "soundcloud", "spotify")
VISIBLE: Final = tuple(state for state in State if state not in {State.FORGOTTEN, State.GONE})

# Every pair of state and source is one range of the index, read from where the last page ended; few rows more than
# the page has are ever read, however rare the requested states and sources are.
_PAGE = f"""
SELECT {COLUMNS} FROM unnest($1::text[]) AS one (one_state), unnest($2::text[]) AS other (one_source),
LATERAL (
    SELECT * FROM tracks WHERE state = one_state AND source = one_source AND urn COLLATE "C" > $3
    ORDER BY urn COLLATE "C" LIMIT $4
) AS page
ORDER BY urn COLLATE "C" LIMIT $4
"""  # noqa: S608 - a constant

_PLAYLIST_PAGE = f"""
SELECT position, {COLUMNS} FROM (SELECT FROM playlists WHERE urn = $1) AS known LEFT JOIN LATERAL (
    SELECT position, tracks.* FROM playlist_tracks JOIN tracks ON urn = track
    WHERE playlist = $1 AND position > $2 AND state = ANY($3) AND source = ANY($4) ORDER BY position LIMIT $5
) AS page ON true ORDER BY position
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Page:
    """Some tracks, and the key after which the next page begins, None on the last page."""

    tracks: list[StoredTrack]
    next_after: str | None


async def page(
    db: Executor,
    *,
    limit: int,
    after: str = "",
    states: Collection[State] = VISIBLE,
    sources: Collection[str] = SOURCES,
) -> Page:
    """Return up to `limit` tracks in these states and of these sources, in the order of their URNs."""
    rows = await db.fetch(_PAGE, list(set(states)), list(set(sources)), after, limit + 1)
    tracks = [read_stored_track(row) for row in rows[:limit]]
    return Page(tracks, tracks[-1].track.id.urn if len(rows) > limit else None)


async def playlist_page(
    db: Executor,
    playlist: str,
    *,
    limit: int,
    after: int = -1,
    states: Collection[State] = VISIBLE,
    sources: Collection[str] = SOURCES,
) -> Page | None:
    """Return up to `limit` tracks of a playlist in its order, None for an unknown one; `after` is a position."""
    rows = await db.fetch(_PLAYLIST_PAGE, playlist, after, list(states), list(sources), limit + 1)
    if not rows:
        return None
    entries = [row for row in rows[:limit] if row["urn"] is not None]
    return Page(
        [read_stored_track(row) for row in entries], str(entries[-1]["position"]) if len(rows) > limit else None
    )
