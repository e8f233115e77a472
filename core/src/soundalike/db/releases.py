"""The releases of a recording: the tracks of any source with the same ISRC, or with the same title and artist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db.search_names import MAX_WORD_LENGTH
from soundalike.db.tracks import COLUMNS, read_stored_track
from soundalike.domain.text import clean
from soundalike.domain.titles import fold_artists, read_title, same_artists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack, Track

# Codes were not always stored in their one form.
_BY_ISRC = f"""
SELECT {COLUMNS} FROM tracks
WHERE upper(regexp_replace(isrc, '[^0-9A-Za-z]', '', 'g')) = ANY($1) AND state <> 'forgotten' ORDER BY urn
"""  # noqa: S608 - constants

# Those with every word of the artists' names, and those whose names are not folded yet.
_BY_ARTISTS = f"""
SELECT {COLUMNS} FROM tracks
WHERE state <> 'forgotten' AND urn IN (
    SELECT n.urn FROM track_names n
    WHERE n.words IS NULL OR n.words @@ (
        SELECT string_agg(array_to_tsvector(ARRAY[word])::text, ' & ')::tsquery FROM unnest($1::text[]) AS word
    )
)
ORDER BY urn
"""  # noqa: S608 - constants


async def by_isrc(db: Executor, isrcs: Sequence[str]) -> list[StoredTrack]:
    """List the tracks with one of the ISRCs (see `domain.isrc`)."""
    return [read_stored_track(row) for row in await db.fetch(_BY_ISRC, list(isrcs))]


async def by_name(db: Executor, title: str, artist: str) -> list[StoredTrack]:
    """List the tracks with this title, apart from spelling and notes on edition and guests, by all these artists.

    Another version, such as a live take, has another title. None where title or artist are empty.
    """
    folded_title, artists = read_title(clean(title)).folded, fold_artists([clean(artist)])
    if not folded_title or not artists:
        return []
    words = {word[:MAX_WORD_LENGTH] for name in artists for word in name.split() if word != "and"}
    rows = await db.fetch(_BY_ARTISTS, sorted(words))
    candidates = map(read_stored_track, rows)
    return [candidate for candidate in candidates if _has_name(candidate.track, folded_title, artists)]


def _has_name(track: Track, folded_title: str, artists: frozenset[str]) -> bool:
    title, track_artists = read_title(track.title), fold_artists(track.artists)
    return title.folded == folded_title and (
        artists <= track_artists | title.guests or same_artists(artists, track_artists)
    )
