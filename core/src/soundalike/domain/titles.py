"""Titles and names as people write them, and the notes in a title: live, a remix, remastered, ….

Notes follow a title in brackets or after a dash. Notes on the edition ("Remastered 2011", "Album Version") and on
guests ("feat. X") leave the recording what it is. Notes on the version ("Live", "X Remix") name another recording.
What is neither belongs to the title: "Don't You (Forget About Me)".
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from soundalike.domain.artists import guest_names, read_credit
from soundalike.domain.title_notes import (
    BRACKETS,
    DASH,
    EDITION,
    FROM_QUOTED,
    GUEST_NOTE,
    GUESTS_INLINE,
    KINDS,
    MAY_HOLD_NOTES,
    NO_ARTIST,
    NUMBERED,
    NUMBERS,
    PARTS_OF_NOTE,
    POSSESSIVE,
    REMASTER_YEAR,
    VERSION_PATTERNS,
    VersionClass,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Title:
    """A title, read.

    `folded` is the title without notes on edition and guests: titles of one recording by one artist have it in common.
    `core` is it without notes on the version as well: what a live take and a remix have in common with their original.
    `versions` is empty for the recording that the bare title names. `guests` are the folded names of "feat. …".
    """

    folded: str
    core: str
    versions: frozenset[VersionClass] = frozenset()
    guests: frozenset[str] = frozenset()


def fold(text: str) -> str:
    """Reduce a name to what does not differ between spellings: case, width, accents, punctuation, spaces.

    "&" and a lone "n" between words are "and". Accents are dropped from Latin and Greek letters and from ё; those of
    other scripts tell words apart (が and か) and stay. Text of punctuation only stays as it is.
    """
    plain = text.lower() if text.isascii() else _plain(text)
    words = (plain.translate(_ASCII) if plain.isascii() else "".join(map(_spaced, plain))).split()
    words[1:-1] = ["and" if word == "n" else word for word in words[1:-1]]
    return " ".join(words) or " ".join(plain.split())


@lru_cache(maxsize=16_384)
def read_title(title: str) -> Title:
    """Read a title and its notes; a title of notes only is taken as it is."""
    if not MAY_HOLD_NOTES.search(title):
        whole = _numbered(fold(title))
        return Title(whole, whole)
    parts = _TitleParts()
    text = REMASTER_YEAR.sub(r"\1 ", unicodedata.normalize("NFKC", title).strip())
    for is_note, piece in _pieces(GUESTS_INLINE.sub(parts.add_guests, text)):
        if not (is_note and parts.add_note(piece)):
            parts.folded.append(piece)
            parts.core.append(piece)
    folded, core = _numbered(fold(" ".join(parts.folded))), _numbered(fold(" ".join(parts.core)))
    if not core:
        whole = _numbered(fold(title))
        return Title(whole, whole)
    return Title(folded, core, frozenset(parts.versions), frozenset(parts.guests))


def artist_key(name: str) -> str:
    """Fold the name of one artist; names with the same key are taken for one."""
    return _without_article(fold(name))


def fold_artists(names: Iterable[str]) -> frozenset[str]:
    """Fold the names of a track's artists; "A feat. B" and "A; B" are two, "Various Artists" none, "The" is dropped."""
    return frozenset[str]().union(*map(_fold_artist, names)) - NO_ARTIST


def same_artists(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether folded artists are the same, be they listed one by one or in one name: "A & B" and "A", "B"."""
    return bool(one) and (one == other or _words(one) == _words(other))


@dataclass(slots=True)
class _TitleParts:
    folded: list[str] = field(default_factory=list)
    core: list[str] = field(default_factory=list)
    versions: set[VersionClass] = field(default_factory=set)
    guests: set[str] = field(default_factory=set)

    def add_guests(self, match: re.Match[str]) -> str:
        self.guests |= _guests(match["names"])
        return ""

    def add_note(self, note: str) -> bool:
        """Add what may be a note, unless it belongs to the title; return whether it was added."""
        remaining: list[str] = []
        is_note = False
        for part in filter(None, map(str.strip, PARTS_OF_NOTE.split(note))):
            folded = fold(part)
            if EDITION.fullmatch(folded) or FROM_QUOTED.fullmatch(part):
                is_note = True
            elif versions := _versions(part, folded):
                is_note = True
                self.versions |= versions
                remaining.append(folded if VersionClass.OTHER in versions else folded.removesuffix(" version"))
            elif guests := GUEST_NOTE.fullmatch(part):
                is_note = True
                self.add_guests(guests)
            else:
                remaining.append(part)
        if is_note:
            self.folded += remaining
        return is_note


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Split a title where notes may begin: at brackets and dashes."""
    for number, outside_or_note in enumerate(BRACKETS.split(text)):
        if number % 2:
            yield True, outside_or_note
        else:
            name, *notes = DASH.split(outside_or_note.strip())
            yield False, name
            for note in notes:
                yield True, note


def _versions(note: str, folded: str) -> set[VersionClass]:
    versions: set[VersionClass] = set()
    for kind, pattern in VERSION_PATTERNS:
        rest = pattern.sub(" ", folded)
        if rest != folded and not (kind is VersionClass.OTHER and versions):
            versions.add(kind)
            folded = " ".join(rest.split())
    if versions == {VersionClass.OTHER} and POSSESSIVE.search(note):
        return {VersionClass.RERECORDED}
    return versions


@lru_cache(maxsize=16_384)
def _fold_artist(name: str) -> frozenset[str]:
    return frozenset({artist_key(credited.name) for credited in read_credit([name])} - {""})


def _guests(names: str) -> set[str]:
    return {artist_key(name) for name in guest_names(names)} - {""}


def _without_article(name: str) -> str:
    return name.removeprefix("the ") if name != "the the" else name


def _words(names: frozenset[str]) -> list[str]:
    return sorted(word for name in names for word in name.split() if word != "and")


def _numbered(folded: str) -> str:
    def written_out(match: re.Match[str]) -> str:
        return f"{KINDS.get(match[1], match[1])} {NUMBERS.get(match[2], match[2])}"

    return NUMBERED.sub(written_out, folded)


def _plain(text: str) -> str:
    characters: list[str] = []
    on_bare_letter = False
    for character in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(character):
            if not on_bare_letter:
                characters.append(character)
            continue
        on_bare_letter = unicodedata.name(character, "").startswith(("LATIN", "GREEK"))
        characters.append(character)
    return unicodedata.normalize("NFKC", "".join(characters)).casefold().replace("ё", "е")  # noqa: RUF001 - Cyrillic


def _spaced(character: str) -> str:
    if character == "&":
        return " and "
    if character in "'\u2018\u2019`":
        return ""
    # Letters, marks (vowel signs are marks in many scripts) and digits; the rest separates words.
    return character if unicodedata.category(character)[0] in "LMN" else " "


_ASCII: Final = {code: _spaced(chr(code)) for code in range(128)}
