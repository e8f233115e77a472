"""Searching tracks by text: parts of title, artist and album, the last word unfinished, some misspelt.

Exact matches come before prefixes before misspellings; within each, the closest name first. Symbols, ligatures and
spaces make no difference (`domain.spellings`), but of two names as close the one spelled like the text is first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from soundalike.db.search_names import SearchNames, names_of_copies
from soundalike.db.search_rank import Rank
from soundalike.db.search_text import SearchText
from soundalike.db.tracks import COLUMNS, read_stored_track

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.db.tracks import State, StoredTrack

_CANDIDATES: Final = 200
# With a filter by state, most of the matches may be in another.
_STATE_FACTOR: Final = 5

_SEARCH = f"""
SELECT {COLUMNS}, folded_title, credit, folded_album,
    words @@ ($2::text::tsquery || coalesce($5::text::tsquery, '')) AS has_all_words,
    words @@ (coalesce($4::text::tsquery, '') || coalesce($6::text::tsquery, '')) AS has_prefix,
    CASE source WHEN 'file' THEN (
        SELECT jsonb_agg(DISTINCT l.names)::text FROM locations l
        WHERE l.urn = tracks.urn AND l.gone_at IS NULL AND l.names IS NOT NULL
    ) END AS names_of_copies
FROM search_names(
    $1, $2::text::tsquery, $3::text::tsquery, $4::text::tsquery, $5::text::tsquery, $6::text::tsquery,
    $7::text::tsquery, $8, $9, $10, $11, $12, $13
)
JOIN tracks USING (urn)
JOIN (SELECT urn, title AS folded_title, credit, album AS folded_album, words FROM track_names) names USING (urn)
WHERE state <> 'forgotten' AND CASE WHEN $14::text IS NULL THEN state <> 'gone' ELSE state = $14 END
"""  # noqa: S608 - constants


class Likeness(StrEnum):
    """How the words of a search match the names of a track: the worst match among them counts."""

    EXACT = "exact"
    PREFIX = "prefix"
    TYPO = "typo"


@dataclass(frozen=True, slots=True)
class Match:
    """A track that matches, and how."""

    track: StoredTrack
    likeness: Likeness


async def search(
    db: Executor, text: str, *, limit: int, source: str | None = None, state: State | None = None
) -> list[Match]:
    """Return up to `limit` tracks, best first; none for an empty text. Forgotten tracks are left out."""
    search_text = SearchText.parse(text)
    if not search_text.words:
        return []
    factor = _STATE_FACTOR if state else 1
    rows = await db.fetch(
        _SEARCH,
        search_text.text,
        search_text.all_words_query,
        search_text.all_but_last_query,
        search_text.prefix_query,
        search_text.other_words_query,
        search_text.other_prefix_query,
        search_text.split_query,
        [f"{first} {second}" for _, first, second in search_text.pairs],
        search_text.words[-1],
        search_text.words,
        f"{source}:" if source else "",
        limit * factor,
        _CANDIDATES * factor,
        state,
    )
    ranked = sorted((_best_names(search_text, row) for row in rows), key=lambda each: each[:2])
    return [Match(read_stored_track(row), list(Likeness)[rank.likeness]) for rank, _, row in ranked[:limit]]


def _best_names(search_text: SearchText, row: asyncpg.Record) -> tuple[Rank, str, Mapping[str, Any] | asyncpg.Record]:
    """Return the rank of a track by its own names, or by those of a copy of it where they are closer."""
    best: tuple[Rank, str, Mapping[str, Any] | asyncpg.Record] = (Rank.of(search_text, row), row["urn"], row)
    copies = names_of_copies(row["names_of_copies"])
    for title, artists, album in copies if len(copies) > 1 else ():
        folded = SearchNames.of(title, artists, album)
        named = {**row, "title": title, "artists": artists, "album": album}
        named |= {"folded_title": folded.title, "credit": folded.credit, "folded_album": folded.album}
        rank = Rank.of(search_text, named)
        if rank[:3] < best[0][:3]:
            best = (rank, row["urn"], named)
    return best
