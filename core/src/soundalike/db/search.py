"""Searching tracks by text: parts of title, artist and album, the last word unfinished, some misspelt.

Exact matches come before prefixes before misspellings; within each, the closest name first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from soundalike.db.search_names import MAX_WORD_LENGTH, bigrams, is_unspaced
from soundalike.db.tracks import COLUMNS, read_stored_track
from soundalike.domain.text import clean
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from soundalike.db.database import Executor
    from soundalike.db.tracks import State, StoredTrack

_MOST_WORDS: Final = 16
_CANDIDATES: Final = 200
# With a filter by state, most of the matches may be in another.
_STATE_FACTOR: Final = 5

_SEARCH = f"""
SELECT {COLUMNS}, folded_title, credit, folded_album
FROM search_names($1, $2::text::tsquery, $3::text::tsquery, $4::text::tsquery, $5, $6, $7, $8, $9)
JOIN tracks USING (urn)
JOIN (SELECT urn, title AS folded_title, credit, album AS folded_album FROM track_names) names USING (urn)
WHERE state <> 'forgotten' AND CASE WHEN $10::text IS NULL THEN state <> 'gone' ELSE state = $10 END
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
    """The text of a search, folded and split into words."""

    text: str

    @classmethod
    def parse(cls, text: str) -> SearchText:
        """Fold a text; white space alone becomes empty."""
        return cls(" ".join(word[:MAX_WORD_LENGTH] for word in fold(clean(text)).split()[:_MOST_WORDS]))

    @cached_property
    def words(self) -> list[str]:
        """The words, the last of which may be unfinished."""
        return self.text.split()

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
        last = self.words[-1]
        return None if is_unspaced(last) else " & ".join(filter(None, [self.all_but_last_query, f"{_quoted(last)}:*"]))


class Rank(NamedTuple):
    """The sort key of a match; smaller is better."""

    likeness: int
    edits: int
    position: int
    length: int
    credit: str

    @classmethod
    def of(cls, search_text: SearchText, title: str, credit: str, album: str) -> Rank:
        """Compare the text of a search with the folded names of one track."""
        text = f"{credit} {album}"
        names = text.split()
        name_set = set(names)
        likeness = edits = 0
        corrected = []
        for word in search_text.words:
            if word in name_set or (is_unspaced(word) and word in text):
                corrected.append(word)
                continue
            if any(name.startswith(word) for name in names):
                likeness = max(likeness, 1)
                corrected.append(word)
                continue
            distance, best = min((_edit_distance(word, name), name) for name in names)
            likeness, edits = 2, edits + distance
            corrected.append(best)
        return cls(likeness, edits, _position(" ".join(corrected), title, credit, album), len(credit.split()), credit)


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
        search_text.words[-1],
        search_text.words,
        f"{source}:" if source else "",
        limit * factor,
        _CANDIDATES * factor,
        state,
    )
    ranked = sorted(
        (
            (Rank.of(search_text, row["folded_title"], row["credit"], row["folded_album"]), row["urn"], row)
            for row in rows
        ),
        key=lambda each: each[:2],
    )
    return [Match(read_stored_track(row), list(Likeness)[rank.likeness]) for rank, _, row in ranked[:limit]]


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


def _word_query(word: str) -> str:
    if is_unspaced(word):
        return " & ".join(map(_quoted, bigrams(word))) or f"{_quoted(word)}:*"
    return _quoted(word)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
