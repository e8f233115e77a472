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
from soundalike.db.tracks import COLUMNS, State, read_stored_track
from soundalike.domain.service_urls import Kind, parse_address
from soundalike.domain.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.db.tracks import StoredTrack

_CANDIDATES: Final = 200
# With a filter by state, most of the matches may be in another.
_STATE_FACTOR: Final = 5
_EACH_PLACE: Final = 2
"""How many times as many tracks as are requested are read of those that match alike; some may be gone."""

_ALL: Final = 10**6

# Many candidates match short texts and frequent words alike. Those whose place is plain from their folded names are
# ranked here as `search_rank` ranks them, and only the first of each place are read in full; what is spelled otherwise
# or misspelt, and what has copies by other names, is read in any case. Queries are parsed once and not for each row.
_SEARCH = f"""
WITH candidates AS MATERIALIZED (
    SELECT n.urn, n.title AS folded_title, n.credit, n.album AS folded_album,
        ' ' || n.credit || ' ' || n.album || ' ' AS names,
        n.words @@ (SELECT $2::text::tsquery || coalesce($5::text::tsquery, '')) AS has_all_words,
        n.words @@ (SELECT coalesce($4::text::tsquery, '') || coalesce($6::text::tsquery, '')) AS has_prefix
    FROM search_names(
        $1, $2::text::tsquery, $3::text::tsquery, $4::text::tsquery, $5::text::tsquery, $6::text::tsquery,
        $7::text::tsquery, $8, $9, $10, $11, $12, $13
    )
    JOIN track_names n USING (urn)
), copies AS MATERIALIZED (
    SELECT l.urn, jsonb_agg(DISTINCT l.names)::text AS names_of_copies FROM locations l
    WHERE l.urn = ANY (ARRAY(SELECT urn FROM candidates WHERE urn ^@ 'file:'))
        AND l.gone_at IS NULL AND l.names IS NOT NULL
    GROUP BY l.urn HAVING count(DISTINCT l.names) > 1
), places AS (
    SELECT c.*, names_of_copies, CASE
            WHEN names_of_copies IS NOT NULL THEN NULL
            WHEN NOT EXISTS (SELECT FROM unnest($10) word WHERE strpos(names, ' ' || word || ' ') = 0) THEN 0
            WHEN NOT has_all_words AND strpos(names, ' ' || $9) > 0 AND NOT EXISTS (
                SELECT FROM unnest(trim_array($10, 1)) word WHERE strpos(names, ' ' || word || ' ') = 0
            ) THEN 1
        END AS likeness, CASE
            WHEN folded_title = $1 THEN 0 WHEN credit = $1 THEN 1 WHEN credit ^@ ($1 || ' ') THEN 2
            WHEN folded_title ^@ ($1 || ' ') THEN 3 WHEN folded_album = $1 THEN 4 WHEN folded_title ^@ $1 THEN 5
            WHEN credit ^@ $1 THEN 6 ELSE 7
        END AS position
    FROM candidates c LEFT JOIN copies USING (urn)
), numbered AS (
    SELECT *, row_number() OVER (
        PARTITION BY likeness, position ORDER BY cardinality(string_to_array(credit, ' ')), credit
    ) AS number FROM places
)
SELECT {COLUMNS}, folded_title, credit, folded_album, has_all_words, has_prefix, names_of_copies
FROM (
    SELECT urn, folded_title, credit, folded_album, has_all_words, has_prefix, names_of_copies
    FROM numbered WHERE likeness IS NULL OR number <= $14
) AS first JOIN tracks USING (urn)
"""  # noqa: S608 - constants


_OF_ADDRESS: Final = {
    Kind.TRACK: f"SELECT {COLUMNS} FROM tracks WHERE urn = $1",  # noqa: S608 - a constant
    Kind.PERMALINK: f"SELECT {COLUMNS} FROM tracks WHERE link = $1 AND source = 'soundcloud' LIMIT 1",  # noqa: S608
}


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
    """Return up to `limit` tracks, best first; none for an empty text. Forgotten tracks are left out.

    The address or URN of a track finds that track only, a bare id of Spotify that track where the catalogue has it.
    """
    address = parse_address(clean(text), expected=Kind.TRACK)
    if address is not None and address.kind in _OF_ADDRESS:
        row = await db.fetchrow(_OF_ADDRESS[address.kind], address.urn)
        if row is not None or address.key != clean(text):
            stored = [read_stored_track(row)] if row is not None and _is_visible(row["state"], state) else []
            return [Match(each, Likeness.EXACT) for each in stored if source in {None, each.track.id.source}]
    search_text = SearchText.parse(text)
    if not search_text.words:
        return []
    factor = _STATE_FACTOR if state else 1
    arguments = (
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
    )
    rows = await db.fetch(_SEARCH, *arguments, _EACH_PLACE * limit)
    visible = [row for row in rows if _is_visible(row["state"], state)]
    if len(visible) < min(limit, len(rows)):
        # Others of a place may be visible where its first ones are not.
        visible = [row for row in await db.fetch(_SEARCH, *arguments, _ALL) if _is_visible(row["state"], state)]
    ranked = sorted((_best_names(search_text, row) for row in visible), key=lambda each: each[:2])
    return [Match(read_stored_track(row), list(Likeness)[rank.likeness]) for rank, _, row in ranked[:limit]]


def _is_visible(stored: str, requested: State | None) -> bool:
    return stored == requested if requested else stored not in {State.GONE, State.FORGOTTEN}


def _best_names(search_text: SearchText, row: asyncpg.Record) -> tuple[Rank, str, Mapping[str, Any] | asyncpg.Record]:
    """Return the rank of a track by its own names, or by those of a copy of it where they are closer."""
    best: tuple[Rank, str, Mapping[str, Any] | asyncpg.Record] = (Rank.of(search_text, row), row["urn"], row)
    for title, artists, album in names_of_copies(row["names_of_copies"]) if row["names_of_copies"] else ():
        folded = SearchNames.of(title, artists, album)
        named = {**row, "title": title, "artists": artists, "album": album}
        named |= {"folded_title": folded.title, "credit": folded.credit, "folded_album": folded.album}
        rank = Rank.of(search_text, named)
        if rank[:3] < best[0][:3]:
            best = (rank, row["urn"], named)
    return best
