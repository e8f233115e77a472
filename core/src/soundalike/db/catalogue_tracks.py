"""What answers are made of: the facts of many tracks with the tags that one model gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import asyncpg

    from soundalike.db.database import Executor


@dataclass(frozen=True, slots=True)
class CatalogueTrack:
    """A track with its state and the tags that one model gives it.

    `tag_probabilities` [50] is in the order of `domain.tags`, None for a track or a model without tags.
    `is_cut_short`: the file is the beginning of another one that is ready as well, such as a copy that was broken off.
    """

    track: Track
    state: State
    reason: str | None
    tag_probabilities: Sequence[float] | None = None
    is_cut_short: bool = False


# Most candidates are never looked at, so their fifty numbers each come as bytes.
_GET_MANY = """
SELECT t.urn, t.title, t.artists, t.album, t.duration_ms, t.isrc, t.link, t.state, t.reason, t.fronts,
    array_send(e.tag_probabilities) AS tag_bytes, t.fronts <> '{}' AND EXISTS (
        SELECT FROM tracks whole WHERE whole.fronts <> '{}' AND whole.fronts @> t.fronts[cardinality(t.fronts):]
        AND whole.state = 'ready' AND whole.duration_ms > t.duration_ms
        AND (lower(whole.title) = lower(t.title) OR t.artists = '{}')
    ) AS is_cut_short
FROM tracks t LEFT JOIN embeddings e ON e.urn = t.urn AND e.model = $2 WHERE t.urn = ANY($1)
"""

_ARRAY_HEADER_BYTES: Final = 20
_ARRAY_ITEM: Final = np.dtype([("length", ">i4"), ("number", ">f4")])


async def get_many(db: Executor, urns: Sequence[str], model: str) -> Mapping[str, CatalogueTrack]:
    """Return the tracks among `urns` that are in the catalogue, in any state, by URN."""
    return _LazyTracks({row["urn"]: row for row in await db.fetch(_GET_MANY, list(urns), model)})


class _LazyTracks(Mapping[str, CatalogueTrack]):
    """Rows that are read at their first use: of all candidates only the first few are."""

    def __init__(self, rows: Mapping[str, asyncpg.Record]) -> None:
        self._rows = rows
        self._tracks: dict[str, CatalogueTrack] = {}

    def __getitem__(self, urn: str) -> CatalogueTrack:
        if urn not in self._tracks:
            self._tracks[urn] = _read(self._rows[urn])
        return self._tracks[urn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _read(row: asyncpg.Record) -> CatalogueTrack:
    track = Track(
        id=TrackId.from_urn(row["urn"]),
        title=row["title"],
        artists=tuple(row["artists"]),
        album=row["album"],
        duration_ms=row["duration_ms"],
        isrc=row["isrc"],
        link=row["link"],
        fronts=tuple(row["fronts"]),
    )
    tag_bytes = row["tag_bytes"]
    probabilities = None if tag_bytes is None else _numbers(tag_bytes)
    return CatalogueTrack(track, State(row["state"]), row["reason"], probabilities, row["is_cut_short"])


def _numbers(array: bytes) -> list[float]:
    """Read a one-dimensional `real[]` as PostgreSQL sends it: five words that describe it, then length and number."""
    numbers: list[float] = np.frombuffer(array, _ARRAY_ITEM, offset=_ARRAY_HEADER_BYTES)["number"].tolist()
    return numbers
