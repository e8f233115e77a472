"""The questions a recommendation asks the database: what people pasted, and what is known of tracks and playlists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.db.embeddings import vector_of
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State, Track
from soundalike.domain.text import clean
from soundalike.domain.track_id import ACCEPTED_FORMS, TrackId, soundcloud_permalink
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import asyncpg
    from numpy.typing import NDArray

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class CatalogueTrack:
    """A track, where it stands, and what the model that is answered from said of it.

    `tag_probabilities` [50] is in the order of `domain.tags`, None where the model said none.
    """

    track: Track
    state: State
    reason: str | None
    tag_probabilities: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class PlaylistTracks:
    """A playlist with its tracks in order, repeated ones once, each with where it stands."""

    playlist: Playlist
    tracks: Mapping[str, State]

    @property
    def counts(self) -> Mapping[State, int]:
        """How many tracks stand where."""
        return Counter(self.tracks.values())


# Most candidates are never looked at, so their fifty numbers each come as bytes.
_KNOWN = """
SELECT t.urn, t.title, t.artists, t.album, t.duration_ms, t.isrc, t.link, t.state, t.reason,
    array_send(e.tag_probabilities) AS said
FROM tracks t LEFT JOIN embeddings e ON e.urn = t.urn AND e.model = $2 WHERE t.urn = ANY($1)
"""

_SENT_HEAD_BYTES: Final = 20
_SENT_REAL: Final = np.dtype([("length", ">i4"), ("number", ">f4")])

_BY_LINK = "SELECT link, urn FROM tracks WHERE link = ANY($1) AND source = 'soundcloud'"

_PLAYLIST = """
SELECT p.urn, p.source, p.title, p.snapshot_id, t.urn AS track, t.state
FROM playlists p LEFT JOIN (playlist_tracks l JOIN tracks t ON t.urn = l.track) ON l.playlist = p.urn
WHERE p.urn = $1 ORDER BY l.position
"""


async def identify(db: Executor, texts: Sequence[str]) -> list[TrackId]:
    """Read what a person pastes, each once; SoundCloud permalinks are looked up in one statement, nothing else is.

    Raises `InvalidTrackId`.
    """
    pasted = [clean(text) for text in texts]
    permalinks = {text: link for text in pasted if (link := soundcloud_permalink(text)) is not None}
    rows = await db.fetch(_BY_LINK, list(permalinks.values())) if permalinks else []
    known = {row["link"]: row["urn"] for row in rows}
    found: dict[TrackId, None] = {}
    for text in pasted:
        link = permalinks.get(text)
        if link is not None and link not in known:
            raise InvalidTrackId(f"the catalogue knows no track at {link}; accepted are {ACCEPTED_FORMS}")
        found[TrackId.parse(text) if link is None else TrackId.from_urn(known[link])] = None
    return list(found)


async def known_tracks(db: Executor, urns: Sequence[str], model: str) -> Mapping[str, CatalogueTrack]:
    """Return the tracks among `urns` that the catalogue knows, in any state, by URN."""
    return _LazyTracks({row["urn"]: row for row in await db.fetch(_KNOWN, list(urns), model)})


async def raw_vector(db: Executor, urn: str, model: str) -> NDArray[np.float32] | None:
    """Return the raw vector [D] of a track, or None where the model has not heard it."""
    return await vector_of(db, TrackId.from_urn(urn), model)


async def playlist_tracks(db: Executor, urn: str) -> PlaylistTracks | None:
    """Return a playlist with its tracks, or None when it was never crawled."""
    rows = await db.fetch(_PLAYLIST, urn)
    if not rows:
        return None
    first = rows[0]
    return PlaylistTracks(
        Playlist(first["urn"], first["source"], first["title"], first["snapshot_id"]),
        {row["track"]: State(row["state"]) for row in rows if row["track"] is not None},
    )


class _LazyTracks(Mapping[str, CatalogueTrack]):
    """Rows that are read when they are asked for: of all candidates only the first few are."""

    def __init__(self, rows: Mapping[str, asyncpg.Record]) -> None:
        self._rows = rows
        self._tracks: dict[str, CatalogueTrack] = {}

    def __getitem__(self, urn: str) -> CatalogueTrack:
        if urn not in self._tracks:
            self._tracks[urn] = _catalogue_track(self._rows[urn])
        return self._tracks[urn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _catalogue_track(row: asyncpg.Record) -> CatalogueTrack:
    track = Track(
        id=TrackId.from_urn(row["urn"]),
        title=row["title"],
        artists=tuple(row["artists"]),
        album=row["album"],
        duration_ms=row["duration_ms"],
        isrc=row["isrc"],
        link=row["link"],
    )
    said = row["said"]
    return CatalogueTrack(track, State(row["state"]), row["reason"], None if said is None else _probabilities(said))


def _probabilities(sent: bytes) -> list[float]:
    """Read a one-dimensional `real[]` as PostgreSQL sends it: five words that describe it, then length and number."""
    numbers: list[float] = np.frombuffer(sent, _SENT_REAL, offset=_SENT_HEAD_BYTES)["number"].tolist()
    return numbers
