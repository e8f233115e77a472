"""Which of the tracks to index share an album: the only sign of what belongs together that a catalogue has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.db import albums
from soundalike.indexer.projection_selection import Album

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor

_MAX_ALBUMS: Final = 2_000
# Compilations (an album name with many tracks) say little.
_MAX_TRACKS: Final = 30


async def known_albums(db: Executor, model: str, up_to_seq: int, urns: Sequence[str]) -> list[Album]:
    """Return albums of 2 to 30 tracks among `urns` [n], a sample where there are many; rows are positions in `urns`."""
    row_of = {urn: row for row, urn in enumerate(urns)}
    results = []
    for album in await albums.sample(db, model, up_to_seq, max_tracks=_MAX_TRACKS, limit=_MAX_ALBUMS):
        rows = tuple(row_of[urn] for urn in album.urns if urn in row_of)
        if len(rows) >= 2:
            results.append(Album(album.artist, rows))
    return results
