"""Which tracks of the catalogue share an album: the only word on what belongs together that a catalogue has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soundalike.indexer.projection_selection import Album

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor

_MOST_ALBUMS: Final = 2_000
_MOST_TRACKS: Final = 30

# Compilations (an album name with many tracks) say little; an order by hash is a random sample that stays the same.
_ALBUMS = """
SELECT coalesce(t.artists[1], '') AS artist, array_agg(e.urn) AS urns
FROM embeddings e JOIN tracks t USING (urn)
WHERE e.model = $1 AND e.seq <= $2 AND t.album <> '' AND t.state <> 'forgotten'
GROUP BY lower(t.album), coalesce(t.artists[1], '')
HAVING count(*) BETWEEN 2 AND $3
ORDER BY md5(min(e.urn)) LIMIT $4
"""


async def known_albums(db: Executor, model: str, up_to_seq: int, urns: Sequence[str]) -> list[Album]:
    """Return albums of 2 to 30 tracks among `urns` [n], a sample where there are many; rows are places in `urns`."""
    rows = {urn: row for row, urn in enumerate(urns)}
    albums = []
    for found in await db.fetch(_ALBUMS, model, up_to_seq, _MOST_TRACKS, _MOST_ALBUMS):
        present = tuple(rows[urn] for urn in found["urns"] if urn in rows)
        if len(present) >= 2:
            albums.append(Album(found["artist"], present))
    return albums
