"""The tracks of a playlist and where each of them stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soundalike.db.database import Executor

_PLAYLIST = """
SELECT p.urn, p.source, p.title, p.snapshot_id, t.urn AS track, t.state
FROM playlists p LEFT JOIN (playlist_tracks l JOIN tracks t ON t.urn = l.track) ON l.playlist = p.urn
WHERE p.urn = $1 ORDER BY l.position
"""


@dataclass(frozen=True, slots=True)
class PlaylistTracks:
    """A playlist and the state of each of its tracks by URN, in their order, repeated ones once."""

    playlist: Playlist
    tracks: Mapping[str, State]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many tracks are in each state."""
        return Counter(self.tracks.values())


async def get(db: Executor, urn: str) -> PlaylistTracks | None:
    """Return a playlist with its tracks, or None when it was never crawled."""
    rows = await db.fetch(_PLAYLIST, urn)
    if not rows:
        return None
    first = rows[0]
    return PlaylistTracks(
        Playlist(first["urn"], first["source"], first["title"], first["snapshot_id"]),
        {row["track"]: State(row["state"]) for row in rows if row["track"] is not None},
    )
