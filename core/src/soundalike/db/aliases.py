"""Other names of tracks: the ids that services and programs give to recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soundalike.db.database import Executor
    from soundalike.domain.track_id import TrackId

MUSICBRAINZ_RECORDING: Final = "musicbrainz:recording"
ACOUSTID: Final = "acoustid"
ISRC: Final = "isrc"

TAG_NAMESPACES: Final = (MUSICBRAINZ_RECORDING, ACOUSTID, ISRC)
"""Of the ids that tags hold: another reading of a file takes the place of the one before."""


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that a track has in a namespace."""

    namespace: str
    id: str


_REPLACE = """
WITH alias AS (SELECT * FROM unnest($2::text[], $3::text[]) AS alias (namespace, id)), dropped AS (
    DELETE FROM aliases a WHERE a.urn = $1 AND a.namespace = ANY($4)
        AND (a.namespace, a.id) NOT IN (SELECT namespace, id FROM alias)
)
INSERT INTO aliases (namespace, id, urn)
SELECT DISTINCT namespace, id, $1 FROM alias WHERE EXISTS (SELECT FROM tracks WHERE urn = $1 AND state <> 'forgotten')
ON CONFLICT DO NOTHING
"""

_TRACKS = "SELECT namespace, id, urn FROM aliases WHERE namespace = $1 AND id = ANY($2) ORDER BY urn"

_OF_TRACKS = "SELECT urn, namespace, id FROM aliases WHERE urn = ANY($1) ORDER BY namespace, id"


async def replace(db: Executor, track: TrackId, aliases: Iterable[Alias], namespaces: Sequence[str]) -> None:
    """Store the aliases of a track in `namespaces`; those that it had there before and that are not among them go."""
    known = [alias for alias in aliases if alias.namespace in namespaces and clean(alias.id)]
    await db.execute(
        _REPLACE,
        track.urn,
        [alias.namespace for alias in known],
        [clean(alias.id) for alias in known],
        list(namespaces),
    )


async def tracks_of(db: Executor, namespace: str, ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the URNs of the tracks that have one of the ids, by id."""
    urns: dict[str, list[str]] = {}
    for row in await db.fetch(_TRACKS, namespace, list(ids)):
        urns.setdefault(row["id"], []).append(row["urn"])
    return urns


async def of_tracks(db: Executor, urns: Sequence[str]) -> Mapping[str, list[Alias]]:
    """Return the aliases of tracks, by URN."""
    aliases: dict[str, list[Alias]] = {}
    for row in await db.fetch(_OF_TRACKS, list(urns)):
        aliases.setdefault(row["urn"], []).append(Alias(row["namespace"], row["id"]))
    return aliases
