"""Queries over playlists: what was crawled, in its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.text import clean, clean_or_none
from catalog.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.database import Connection, Executor


@dataclass(frozen=True, slots=True)
class Playlist:
    """A list of tracks somewhere; `snapshot_id` changes whenever the source's list does."""

    urn: str
    source: str
    title: str
    snapshot_id: str | None = None


_UPSERT = """
INSERT INTO playlists (urn, source, title, snapshot_id, crawled_at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (urn) DO UPDATE SET
    title = EXCLUDED.title, snapshot_id = EXCLUDED.snapshot_id, crawled_at = EXCLUDED.crawled_at
"""

_EMPTY = "DELETE FROM playlist_tracks WHERE playlist = $1"

_ADD = "INSERT INTO playlist_tracks (playlist, position, track) VALUES ($1, $2, $3)"

_TRACKS = "SELECT track FROM playlist_tracks WHERE playlist = $1 ORDER BY position"

_GET = "SELECT urn, source, title, snapshot_id FROM playlists WHERE urn = $1"


async def replace(db: Connection, playlist: Playlist, entries: Sequence[tuple[int, TrackId]]) -> None:
    """Store a playlist as it is now, `(position, track)` each; the tracks' rows must exist."""
    async with db.transaction():
        await db.execute(
            _UPSERT, playlist.urn, playlist.source, clean(playlist.title), clean_or_none(playlist.snapshot_id)
        )
        await db.execute(_EMPTY, playlist.urn)
        await db.executemany(_ADD, [(playlist.urn, position, track.urn) for position, track in entries])


async def get(db: Executor, urn: str) -> Playlist | None:
    """Return one playlist, or None when it was never crawled."""
    row = await db.fetchrow(_GET, urn)
    return Playlist(**row) if row else None


async def tracks_of(db: Executor, urn: str) -> list[TrackId]:
    """List the tracks of a playlist in its order, repeated ones repeated."""
    return [TrackId.from_urn(row["track"]) for row in await db.fetch(_TRACKS, urn)]
