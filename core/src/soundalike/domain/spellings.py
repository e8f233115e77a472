"""The spellings by which people look for a name: without its symbols, ligatures and spaces, in the usual letters.

`domain.titles.fold` is the strict form, which tells names apart; what is here only leads to them: to AC/DC by "acdc",
to Ke$ha by "kesha", to Æon by "aeon", to blink-182 by "blink182".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from soundalike.domain.titles import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

CONJUNCTIONS: Final = frozenset({"and", "et", "och", "og", "n", "und", "y"})
"""What people write for "&" and "+", and leave out."""

_MAX_JOINED_LENGTH: Final = 32
_MIN_PART_LENGTH: Final = 3
_MAX_PAIRS: Final = 8

_MARKS: Final = re.compile("[\xa9\xae\u2117\u2120\u2122\u02b9-\u02bf\u02c8\xb4\u2032]")
_AND_BETWEEN_QUOTES: Final = re.compile("['\u2018\u2019`]n['\u2018\u2019`]")
_APOSTROPHES: Final = re.compile("['\u2018\u2019`]")
_LETTER: Final = r"[^\W\d_]"
_SYMBOL: Final = re.compile("[$!@\u20ac£¥¢]")
# From the first of a run on: begun anew at each, a search would take a time that grows with the square of its length.
_SYMBOLS: Final = (
    *(
        (re.compile(f"(?<={_LETTER}){symbol}+|(?<!{symbol}){symbol}+(?={_LETTER})"), letter)
        for symbol, letter in ((r"\$", "s"), ("\u20ac", "e"), ("£", "l"), ("¥", "y"), ("¢", "c"))
    ),
    (re.compile(f"(?<={_LETTER})!+(?={_LETTER})"), "i"),
    (re.compile(f"(?<!@)@+(?={_LETTER})"), "a"),
)
_DIGIT: Final = re.compile(rf"{_LETTER}\d(?!\d)")
_DIGITS: Final = tuple(
    (re.compile(rf"(?<={_LETTER}){digit}(?!\d)"), letter)
    for digit, letter in (("0", "o"), ("1", "i"), ("3", "e"), ("4", "a"), ("5", "s"), ("7", "t"))
)
# Of other scripts, where they stand for Latin letters that they look like: MΛGIC, KoЯn.
_LOOKALIKES: Final = str.maketrans("λσξδ\u2206\u2200\u2020яи", "aeeaaatrn")
_DIGRAPHS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "đ": "dj", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe"}
    | {"Å": "Aa", "Đ": "Dj"}
)
_LATIN: Final = {"ß": "ss", "þ": "th", "ð": "d", "ŋ": "ng", "ə": "e", "ʒ": "z", "ʃ": "s", "ȝ": "g", "ƿ": "w"}
_UNUSUAL: Final = re.compile("[^a-z0-9 ]|[a-z][0-9]")


class Spellings(NamedTuple):
    """The words by which a name may be looked for beside its folded ones: `words` spelled otherwise, and `joined`."""

    words: frozenset[str]
    joined: frozenset[str]


def spellings(name: str) -> Spellings:
    """Return the other spellings of a name, which may repeat folded words."""
    lower = name.lower()
    words: set[str] = set()
    joined: set[str] = set()
    if _UNUSUAL.search(lower):
        for text in _variants(name):
            parts = _add_words(words, text)
            words.update(parts)
            joined |= _joined(parts)
    else:
        joined = _joined(lower.split())
    return Spellings(frozenset(words), frozenset(joined))


def search_words(text: str) -> list[list[str]]:
    """Return the ways to read the text of a search, each a list of words; the first is the plainest.

    They differ from its folded words, and none is empty. The words of a name that match one of them may be spelled
    otherwise (`spellings`).
    """
    folded = fold(text).split()
    readings: list[list[str]] = []
    for variant in _variants(text):
        chunks = list(_chunks(variant))
        readings += [["".join(chunk) for chunk in chunks], [part for chunk in chunks for part in chunk]]
    readings += [_without_conjunctions(reading) for reading in [folded, *readings]]
    for words in (folded, _without_conjunctions(folded)):
        readings += [
            [*words[:place], words[place] + words[place + 1], *words[place + 2 :]]
            for place in range(min(len(words) - 1, _MAX_PAIRS))
        ]
        readings.append(_with_joined_letters(words))
        readings.append(["".join(words)])
    unique = dict.fromkeys(tuple(reading) for reading in readings)
    return [list(reading) for reading in unique if any(reading) and list(reading) != folded]


@lru_cache(maxsize=16_384)
def squash(name: str) -> str:
    """Return the letters and digits of a name in their plainest spelling, without spaces and conjunctions."""
    words = [part for chunk in _chunks(_plain(name)) for part in chunk]
    return "".join(_without_conjunctions(words))


def _without_conjunctions(words: list[str]) -> list[str]:
    # At the ends they are names, and so they may be between single letters: "N" of N.W.A, "y" of X, Y & Z.
    if all(len(word) == 1 or word in CONJUNCTIONS for word in words):
        return words
    return [*words[:1], *(word for word in words[1:-1] if word not in CONJUNCTIONS), *words[1:][-1:]]


def _add_words(words: set[str], text: str) -> list[str]:
    """Add the spellings of each word of a text, and return its parts in order."""
    parts: list[str] = []
    for chunk in text.split():
        if chunk in {"+", "&"}:
            parts.append("and")
            continue
        of_chunk = _parts(chunk)
        words |= _joined(of_chunk)
        words.update(first + second for first, second in pairwise(of_chunk))
        if "and" in of_chunk and len(rest := [part for part in of_chunk if part != "and"]) > 1:
            words |= {"".join(rest), "n".join(rest)}
        if len(pieces := _APOSTROPHES.split(chunk)) > 1:
            words.update(part for piece in pieces for part in _parts(piece) if len(part) >= _MIN_PART_LENGTH)
        parts += of_chunk
    return parts


def _joined(parts: list[str]) -> set[str]:
    if len(parts) < 2:
        return set()
    joined = "".join(parts)
    return {*_with_joined_letters(parts), *([joined] if len(joined) <= _MAX_JOINED_LENGTH else [])}


def _with_joined_letters(parts: list[str]) -> list[str]:
    """Join letters that stand alone and follow each other: R. E. M."""
    joined: list[str] = []
    is_run = False
    for part in parts:
        if is_run and len(part) == 1:
            joined[-1] += part
        else:
            joined.append(part)
        is_run = len(part) == 1
    return joined


def _variants(name: str) -> list[str]:
    variants = [_plain(name)]
    if not name.isascii() and (digraphs := unicodedata.normalize("NFC", name).translate(_DIGRAPHS)) != name:
        variants.append(_plain(digraphs))
    if _DIGIT.search(text := variants[0]):
        for pattern, letter in _DIGITS:
            text = pattern.sub(letter, text)
        variants.append(text)
    return list(dict.fromkeys(variants))


def _chunks(text: str) -> Iterator[list[str]]:
    """Yield the parts of each piece between spaces; pieces of punctuation have none."""
    for chunk in text.split():
        if parts := _parts(chunk):
            yield parts


def _parts(chunk: str) -> list[str]:
    return [part for part in fold(chunk).split() if any(map(str.isalnum, part))]


def _plain(name: str) -> str:
    """Spell a name in small letters, with Latin ones for ligatures, strokes and symbols within words."""
    text = _AND_BETWEEN_QUOTES.sub(" and ", name.lower())
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _MARKS.sub("", text)).casefold()
        text = " ".join(map(_latin_word, text.split()))
    if _SYMBOL.search(text):
        for pattern, letter in _SYMBOLS:
            text = pattern.sub(partial(_repeated, letter), text)
    return text


def _repeated(letter: str, symbols: re.Match[str]) -> str:
    return letter * len(symbols[0])


def _latin_word(word: str) -> str:
    if word.isascii():
        return word
    letters = "".join(map(_latin, word))
    if any("a" <= character <= "z" for character in letters):
        letters = letters.translate(_LOOKALIKES)
    return letters


@lru_cache(maxsize=4096)
def _latin(character: str) -> str:
    if character.isascii():
        return character
    if character in _LATIN:
        return _LATIN[character]
    # LATIN SMALL LETTER O WITH STROKE, LATIN SMALL LIGATURE OE, LATIN LETTER SMALL CAPITAL I
    script, *description = unicodedata.name(character, "").partition(" WITH ")[0].split()[:8] or [""]
    is_letter = script == "LATIN" and description and len(description[-1]) < 3
    return description[-1].lower() if is_letter else character
