"""The albums of the catalogue whose tracks have embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor

# An order by hash is a random sample that stays the same.
_SAMPLE = """
SELECT coalesce(t.artists[1], '') AS artist, array_agg(e.urn) AS urns
FROM embeddings e JOIN tracks t USING (urn)
WHERE e.model = $1 AND e.seq <= $2 AND t.album <> '' AND t.state NOT IN ('forgotten', 'gone')
GROUP BY lower(t.album), coalesce(t.artists[1], '')
HAVING count(*) BETWEEN 2 AND $3
ORDER BY md5(min(e.urn)) LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class AlbumTracks:
    """The first artist of an album and the URNs of its tracks."""

    artist: str
    urns: Sequence[str]


async def sample(db: Executor, model: str, up_to_seq: int, *, max_tracks: int, limit: int) -> list[AlbumTracks]:
    """Return up to `limit` albums of 2 to `max_tracks` tracks that have embeddings of `model` up to `up_to_seq`."""
    rows = await db.fetch(_SAMPLE, model, up_to_seq, max_tracks, limit)
    return [AlbumTracks(row["artist"], row["urns"]) for row in rows]
