"""Finding tracks by what people type: parts of title, artist and album, the last word unfinished, some misspelt.

Exact before begun before misspelt; within each, the closer the whole name is to what was typed.
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
# Where a state is asked for, most of those that are found may be in another.
_IN_OTHER_STATES: Final = 5

_SEARCH = f"""
SELECT {COLUMNS}, folded_title, credit, folded_album
FROM search_names($1, $2::text::tsquery, $3::text::tsquery, $4::text::tsquery, $5, $6, $7, $8, $9)
JOIN tracks USING (urn)
JOIN (SELECT urn, title AS folded_title, credit, album AS folded_album FROM track_names) names USING (urn)
WHERE state <> 'forgotten' AND ($10::text IS NULL OR state = $10)
"""  # noqa: S608 - constants


class Likeness(StrEnum):
    """How the words that were typed are found in a track's names: the least alike of them tells."""

    EXACT = "exact"
    PREFIX = "prefix"
    TYPO = "typo"


@dataclass(frozen=True, slots=True)
class Match:
    """A track that was found, and how."""

    track: StoredTrack
    likeness: Likeness


@dataclass(frozen=True)
class SearchText:
    """What somebody typed, folded and cut into words."""

    text: str

    @classmethod
    def parse(cls, text: str) -> SearchText:
        """Fold what was typed; nothing is left of mere white space."""
        return cls(" ".join(word[:MAX_WORD_LENGTH] for word in fold(clean(text)).split()[:_MOST_WORDS]))

    @cached_property
    def words(self) -> list[str]:
        """The words, the last of which may be unfinished."""
        return self.text.split()

    @property
    def all_words_query(self) -> str:
        """The `tsquery` of tracks that hold all words."""
        return " & ".join(_word_query(word) for word in self.words)

    @property
    def all_but_last_query(self) -> str | None:
        """The `tsquery` of tracks that hold all words but the last, None where that one stands alone."""
        return " & ".join(_word_query(word) for word in self.words[:-1]) or None

    @property
    def prefix_query(self) -> str | None:
        """The `tsquery` of tracks that hold all words, the last of them only as a beginning.

        None in a script without spaces, of which every two characters are found anyway.
        """
        last = self.words[-1]
        return None if is_unspaced(last) else " & ".join(filter(None, [self.all_but_last_query, f"{_quoted(last)}:*"]))


class Rank(NamedTuple):
    """What decides the order; smaller is better."""

    likeness: int
    edits: int
    position: int
    length: int
    credit: str

    @classmethod
    def of(cls, typed: SearchText, title: str, credit: str, album: str) -> Rank:
        """Compare what was typed with the folded names of one track."""
        text = f"{credit} {album}"
        names = text.split()
        known = set(names)
        likeness = slips = 0
        meant = []
        for word in typed.words:
            if word in known or (is_unspaced(word) and word in text):
                meant.append(word)
                continue
            begun = [name for name in names if name.startswith(word)]
            if begun:
                likeness = max(likeness, 1)
                meant.append(word)
                continue
            slip, best = min((_edit_distance(word, name), name) for name in names)
            likeness, slips = 2, slips + slip
            meant.append(best)
        return cls(likeness, slips, _position(" ".join(meant), title, credit, album), len(credit.split()), credit)


async def search(
    db: Executor, text: str, *, limit: int, source: str | None = None, state: State | None = None
) -> list[Match]:
    """Return up to `limit` tracks, best first; none where nothing was typed. Forgotten tracks are not found."""
    typed = SearchText.parse(text)
    if not typed.words:
        return []
    spare = _IN_OTHER_STATES if state else 1
    rows = await db.fetch(
        _SEARCH,
        typed.text,
        typed.all_words_query,
        typed.all_but_last_query,
        typed.prefix_query,
        typed.words[-1],
        typed.words,
        f"{source}:" if source else "",
        limit * spare,
        _CANDIDATES * spare,
        state,
    )
    ranked = sorted(
        ((Rank.of(typed, row["folded_title"], row["credit"], row["folded_album"]), row["urn"], row) for row in rows),
        key=lambda each: each[:2],
    )
    return [Match(read_stored_track(row), list(Likeness)[rank.likeness]) for rank, _, row in ranked[:limit]]


def _position(text: str, title: str, credit: str, album: str) -> int:
    word_follows = f"{text} "
    found = (
        title == text,
        credit == text,
        credit.startswith(word_follows),
        title.startswith(word_follows),
        album == text,
        title.startswith(text),
        credit.startswith(text),
    )
    return found.index(True) if True in found else len(found)


def _edit_distance(typed: str, name: str) -> int:
    """Return 1 for words that one slip turns into each other, 2 where it takes a slip in each, else more."""
    if abs(len(typed) - len(name)) > 1:
        return 3
    one, other = _one_letter_less(typed), _one_letter_less(name)
    if name in one or typed in other or (len(typed) == len(name) and _differ_by_one_edit(typed, name)):
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
