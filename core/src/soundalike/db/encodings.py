"""Files that may be other encodings of one recording: by ids in their tags, or by sound and length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, TAG_NAMESPACES
from soundalike.db.tracks import COLUMNS, read_stored_track
from soundalike.domain.recordings import NEAR_COSINE, SAME_SOUND_DURATION_MS, near

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack
    from soundalike.domain.track_id import TrackId

SAME_SOUND: Final = "nearly the same sound and length"
_SAME_ID: Final = {
    ISRC: "the same ISRC",
    MUSICBRAINZ_RECORDING: "the same recording at MusicBrainz",
    ACOUSTID: "the same AcoustID",
}

_MIN_VECTORS_FOR_CENTRE: Final = 50
_CENTRED_COSINE: Final = 0.98
"""Encodings of one recording are nearer than that as seen from the middle of a catalogue; a person is asked."""

_BY_ID = """
SELECT o.urn, min(o.namespace) AS namespace
FROM aliases a JOIN aliases o ON (o.namespace, o.id) = (a.namespace, a.id) JOIN tracks t ON t.urn = o.urn
WHERE a.urn = $1 AND o.urn <> $1 AND a.namespace = ANY($2) AND t.source = 'file' AND t.state <> 'forgotten'
GROUP BY o.urn
"""

_OF_SIMILAR_LENGTH = """
SELECT e.urn, e.vector FROM embeddings e JOIN models m USING (model) JOIN tracks t USING (urn)
WHERE m.current AND t.source = 'file' AND t.state <> 'forgotten'
    AND abs(t.duration_ms - (SELECT duration_ms FROM tracks WHERE urn = $1)) <= $2
"""

_CENTRE = "SELECT avg(e.vector) AS centre, count(*) AS n FROM embeddings e JOIN models m USING (model) WHERE m.current"

_MANY = f"SELECT {COLUMNS} FROM tracks WHERE urn = ANY($1) ORDER BY urn"  # noqa: S608 - a constant of `db.tracks`

_OF_FORGOTTEN = f"""
SELECT {COLUMNS} FROM tracks WHERE source = 'file' AND state NOT IN ('forgotten', 'gone') AND first_seen_at >= $1
    AND urn IN (
        SELECT a.urn FROM aliases a JOIN aliases f ON (f.namespace, f.id) = (a.namespace, a.id)
        JOIN tracks forgotten ON forgotten.urn = f.urn
        WHERE forgotten.state = 'forgotten' AND a.namespace = ANY($2)
    )
ORDER BY urn
"""  # noqa: S608 - a constant of `db.tracks`

_NOW = "SELECT now()"


@dataclass(frozen=True, slots=True)
class OtherEncoding:
    """A file that may be another encoding of a recording, and what says so."""

    stored: StoredTrack
    reason: str


async def others(db: Executor, track: TrackId) -> list[OtherEncoding]:
    """List the files that may be other encodings of a file."""
    by_sound = dict.fromkeys(await _near(db, track), SAME_SOUND)
    by_id = {row["urn"]: _SAME_ID[row["namespace"]] for row in await db.fetch(_BY_ID, track.urn, list(TAG_NAMESPACES))}
    reasons = by_sound | by_id
    rows = await db.fetch(_MANY, list(reasons))
    return [OtherEncoding(read_stored_track(row), reasons[row["urn"]]) for row in rows]


async def of_forgotten(db: Executor, since: datetime) -> list[StoredTrack]:
    """List the files, in the catalogue since a moment, that have an id in common with one that is forgotten."""
    return [read_stored_track(row) for row in await db.fetch(_OF_FORGOTTEN, since, list(TAG_NAMESPACES))]


async def moment(db: Executor) -> datetime:
    """Return the time by the database's clock, for `of_forgotten`."""
    now: datetime = await db.fetchval(_NOW)
    return now


async def _near(db: Executor, track: TrackId) -> Sequence[str]:
    rows = await db.fetch(_OF_SIMILAR_LENGTH, track.urn, SAME_SOUND_DURATION_MS)
    vectors = {row["urn"]: np.asarray(row["vector"].to_numpy(), np.float32) for row in rows}
    own = vectors.pop(track.urn, None)
    if own is None or not vectors:
        return []
    row = await db.fetchrow(_CENTRE)
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    if row["n"] < _MIN_VECTORS_FOR_CENTRE:
        return [urn for urn, vector in vectors.items() if near(own, vector, cosine=NEAR_COSINE)]
    centre = np.asarray(row["centre"].to_numpy(), np.float32)
    return [urn for urn, vector in vectors.items() if near(own, vector, centre, cosine=_CENTRED_COSINE)]
