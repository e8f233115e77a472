"""The text of a search, and the queries of the tracks that it may mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from soundalike.db.search_names import MAX_WORD_LENGTH, bigrams, is_unspaced
from soundalike.domain.spellings import search_words
from soundalike.domain.text import clean
from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOST_WORDS: Final = 16
_MIN_SPLIT_LENGTH: Final = 4
_MAX_SPLIT_LENGTH: Final = 24
_MOST_PAIRS: Final = 40


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
        """The `tsquery` of tracks with all words of another reading, the last of them as a prefix.

        Readings that end alike have their end in common: the index reads all that begins so, each time that it stands
        there.
        """
        by_end: dict[str, list[Sequence[str]]] = {}
        for *others, last in self.readings:
            if len(last) > 1 and not is_unspaced(last):
                by_end.setdefault(last, []).append(others)
        return _any(_prefix_query_of_readings(readings, last) for last, readings in by_end.items())

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


def _limited(words: Iterable[str]) -> list[str]:
    return [word[:MAX_WORD_LENGTH] for word in words][:_MOST_WORDS]


def _any(queries: Iterable[str | None]) -> str | None:
    return " | ".join(f"({query})" for query in queries if query) or None


def _prefix_query_of_readings(readings: Sequence[Sequence[str]], last: str) -> str:
    """Return the query of the words of any of the readings, and of what begins with the word that ends all of them."""
    prefix = f"{_quoted(last)}:*"
    if not all(readings):
        return prefix
    return f"({_any(' & '.join(map(_word_query, words)) for words in readings)}) & {prefix}"


def _prefix_query(words: Sequence[str]) -> str | None:
    *others, last = words
    return None if is_unspaced(last) else " & ".join([*map(_word_query, others), f"{_quoted(last)}:*"])


def _word_query(word: str) -> str:
    if is_unspaced(word):
        return " & ".join(map(_quoted, bigrams(word))) or f"{_quoted(word)}:*"
    return _quoted(word)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
