"""How close the names of a track are to the text of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from soundalike.db.search_names import is_unspaced
from soundalike.domain.spellings import squash

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from soundalike.db.search_text import SearchText


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
    if word not in "".join(names):
        return False
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
