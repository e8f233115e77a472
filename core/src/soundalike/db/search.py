"""Searching tracks by text: parts of title, artist and album, the last word unfinished, some misspelt.

Exact matches come before prefixes before misspellings; within each, the closest name first. Symbols, ligatures and
spaces make no difference (`domain.spellings`), but of two names as close the one spelled like the text is first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soundalike.db.search_names import MAX_WORD_LENGTH, SearchNames, bigrams, is_unspaced, names_of_copies
from soundalike.db.tracks import COLUMNS, read_stored_track
from soundalike.domain.spellings import search_words, squash
from soundalike.domain.text import clean
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import asyncpg

    from soundalike.db.database import Executor
    from soundalike.db.tracks import State, StoredTrack

_MOST_WORDS: Final = 16
_MIN_SPLIT_LENGTH: Final = 4
_MAX_SPLIT_LENGTH: Final = 24
_MOST_PAIRS: Final = 40
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


@dataclass(frozen=True)
class SearchText:
    """The text of a search, folded and split into words; `readings` are other lists of words that it may stand for."""

    text: str
    readings: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> SearchText:
        """Fold a text; white space alone becomes empty."""
        typed = " ".join(clean(text).split()[:_MOST_WORDS])
        return cls(
            " ".join(_limited(fold(typed).split())), tuple(tuple(_limited(words)) for words in search_words(typed))
        )

    @cached_property
    def words(self) -> list[str]:
        """The words, the last of which may be unfinished."""
        return self.text.split()

    @cached_property
    def squashed(self) -> tuple[str, ...]:
        """The text and its readings without spaces."""
        return tuple(dict.fromkeys("".join(words) for words in (self.words, *self.readings)))

    @property
    def all_words_query(self) -> str:
        """The `tsquery` of tracks with all words."""
        return " & ".join(_word_query(word) for word in self.words)

    @property
    def all_but_last_query(self) -> str | None:
        """The `tsquery` of tracks with all words but the last, None for a single word."""
        return " & ".join(_word_query(word) for word in self.words[:-1]) or None

    @property
    def prefix_query(self) -> str | None:
        """The `tsquery` of tracks with all words, the last of them as a prefix.

        None in a script without spaces, whose bigrams match anyway.
        """
        return _prefix_query(self.words)

    @property
    def other_words_query(self) -> str | None:
        """The `tsquery` of tracks with all words of another reading."""
        return _any(" & ".join(map(_word_query, words)) for words in self.readings)

    @property
    def other_prefix_query(self) -> str | None:
        """The `tsquery` of tracks with all words of another reading, the last of them as a prefix."""
        return _any(_prefix_query(words) for words in self.readings if len(words[-1]) > 1)

    @cached_property
    def pairs(self) -> list[tuple[int, str, str]]:
        """The ways to split one of the words, whose place is the first of the three."""
        return [
            (place, word[:at], word[at:])
            for place, word in enumerate(self.words)
            if _MIN_SPLIT_LENGTH <= len(word) <= _MAX_SPLIT_LENGTH and not is_unspaced(word)
            for at in range(1, len(word))
        ][:_MOST_PAIRS]

    @property
    def split_query(self) -> str | None:
        """The `tsquery` of tracks that have two words in the place of one."""
        words = self.words
        return _any(
            " & ".join(map(_word_query, [*words[:place], first, second, *words[place + 1 :]]))
            for place, first, second in self.pairs
        )


class Rank(NamedTuple):
    """The sort key of a match; smaller is better."""

    likeness: int
    edits: int
    position: int
    is_spelled_otherwise: bool
    length: int
    credit: str

    @classmethod
    def of(cls, search_text: SearchText, row: Mapping[str, Any] | asyncpg.Record) -> Rank:
        """Compare the text of a search with the names of one track."""
        title, credit, album = row["folded_title"], row["credit"], row["folded_album"]
        text = f"{credit} {album}"
        names = text.split()
        name_set = set(names)
        likeness = edits = 0
        otherwise = False
        corrected = []
        for word in search_text.words:
            if word in name_set or (is_unspaced(word) and word in text):
                corrected.append(word)
                continue
            if row["has_all_words"] or _is_joined(word, credit.split()) or _is_joined(word, album.split()):
                otherwise = True
                continue
            if any(name.startswith(word) for name in names):
                likeness = max(likeness, 1)
                corrected.append(word)
                continue
            if row["has_prefix"]:
                likeness, otherwise = max(likeness, 1), True
                continue
            distance, best = min((_edit_distance(word, name), name) for name in names)
            likeness, edits = 2, edits + distance
            corrected.append(best)
        position = (
            _squashed_position(search_text.squashed, row)
            if otherwise
            else _position(" ".join(corrected), title, credit, album)
        )
        return cls(likeness, edits, position, otherwise, len(credit.split()), credit)


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


def _position(text: str, title: str, credit: str, album: str) -> int:
    word_follows = f"{text} "
    conditions = (
        title == text,
        credit == text,
        credit.startswith(word_follows),
        title.startswith(word_follows),
        album == text,
        title.startswith(text),
        credit.startswith(text),
    )
    return conditions.index(True) if True in conditions else len(conditions)


def _squashed_position(texts: tuple[str, ...], row: Mapping[str, Any] | asyncpg.Record) -> int:
    title, artists, album = squash(row["title"]), squash(" ".join(row["artists"])), squash(row["album"] or "")
    conditions = (
        title in texts,
        artists + title in texts,
        artists in texts or any(artists and text.startswith(artists) for text in texts),
        False,
        album in texts,
        title.startswith(texts),
        artists.startswith(texts),
    )
    return conditions.index(True) if True in conditions else len(conditions)


def _is_joined(word: str, names: list[str]) -> bool:
    """Tell whether a word is several names that follow each other."""
    for start in range(len(names)):
        joined = ""
        for name in names[start:]:
            joined += name
            if not word.startswith(joined):
                break
            if joined == word:
                return True
    return False


def _edit_distance(word: str, name: str) -> int:
    """Return 1 for words that one edit turns into each other, 2 where it takes an edit in each, else 3."""
    if abs(len(word) - len(name)) > 1:
        return 3
    one, other = _one_letter_less(word), _one_letter_less(name)
    if name in one or word in other or (len(word) == len(name) and _differ_by_one_edit(word, name)):
        return 1
    return 2 if one & other else 3


def _one_letter_less(word: str) -> frozenset[str]:
    return frozenset(word[:place] + word[place + 1 :] for place in range(len(word)))


def _differ_by_one_edit(one: str, other: str) -> bool:
    places = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    swapped = len(places) == 2 and places[1] == places[0] + 1 and one[places[0]] == other[places[1]]
    return len(places) == 1 or (swapped and one[places[1]] == other[places[0]])


def _limited(words: Iterable[str]) -> list[str]:
    return [word[:MAX_WORD_LENGTH] for word in words][:_MOST_WORDS]


def _any(queries: Iterable[str | None]) -> str | None:
    return " | ".join(f"({query})" for query in queries if query) or None


def _prefix_query(words: Sequence[str]) -> str | None:
    *others, last = words
    return None if is_unspaced(last) else " & ".join([*map(_word_query, others), f"{_quoted(last)}:*"])


def _word_query(word: str) -> str:
    if is_unspaced(word):
        return " & ".join(map(_quoted, bigrams(word))) or f"{_quoted(word)}:*"
    return _quoted(word)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
