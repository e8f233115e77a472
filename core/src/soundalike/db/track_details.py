"""Everything that the catalogue knows about one track, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.db.track_references import unknown_permalink
from soundalike.db.tracks import COLUMNS, read_stored_track
from soundalike.domain.tags import distinctive
from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId, soundcloud_permalink

if TYPE_CHECKING:
    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack

_WITH_TAGS: Final = """
SELECT track.*, embedding.tag_probabilities, embedding.usual_tags FROM track LEFT JOIN LATERAL (
    SELECT e.tag_probabilities, m.usual_tags FROM embeddings e JOIN models m USING (model)
    WHERE e.urn = track.urn AND m.current
) AS embedding ON true
"""
_OF_URN: Final = f"WITH track AS (SELECT {COLUMNS} FROM tracks WHERE urn = $1) {_WITH_TAGS}"  # noqa: S608 - constants

_OF_LINK: Final = f"""
WITH track AS (SELECT {COLUMNS} FROM tracks WHERE link = $1 AND source = 'soundcloud' LIMIT 1) {_WITH_TAGS}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class TrackDetails:
    """A track with the slugs of the tags that the current model gives it, the most distinctive first."""

    stored_track: StoredTrack
    tags: tuple[str, ...]


async def details(db: Executor, pasted: str) -> TrackDetails | None:
    """Return the details of the track that a text names, None where it is not in the catalogue.

    Raises `InvalidTrackId` for a text that names no track, and for a SoundCloud permalink that is not in the catalogue.
    """
    text = clean(pasted)
    permalink = soundcloud_permalink(text)
    if permalink is None:
        row = await db.fetchrow(_OF_URN, TrackId.parse(text).urn)
    else:
        row = await db.fetchrow(_OF_LINK, permalink)
        if row is None:
            raise unknown_permalink(permalink)
    return (
        TrackDetails(read_stored_track(row), distinctive(row["tag_probabilities"], row["usual_tags"])) if row else None
    )
