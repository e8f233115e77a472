"""Titles and names as people write them, and what a title says of the recording: live, a remix, remastered, ….

Notes stand behind a title in brackets or after a dash. Notes on the edition ("Remastered 2011", "Album Version") and on
guests ("feat. X") leave the recording what it is. Notes on the version ("Live", "X Remix") name another recording.
What is neither belongs to the title: "Don't You (Forget About Me)".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class VersionClass(StrEnum):
    """In what way a recording differs from the one that the bare title names."""

    LIVE = "live"
    REMIX = "remix"
    ACOUSTIC = "acoustic"
    INSTRUMENTAL = "instrumental"
    KARAOKE = "karaoke"
    A_CAPPELLA = "a-cappella"
    DEMO = "demo"
    EDIT = "edit"
    EXTENDED = "extended"
    SPED_UP = "sped-up"
    SLOWED = "slowed"
    RERECORDED = "rerecorded"
    COVER = "cover"
    ORCHESTRAL = "orchestral"
    MONO = "mono"
    MIXED = "mixed"
    OTHER = "other"


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


_DASHES: Final = "-\u2013\u2014"
_YEAR: Final = r"(?:19|20)\d\d"

# Looked for in folded notes, in this order; what one finds is taken out, so that an "extended mix" is no remix.
_CLASSES: Final = tuple(
    (kind, re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)"))
    for kind, patterns in (
        (
            VersionClass.KARAOKE,
            [
                "karaoke(?: version)?|カラオケ|караоке|минус|off vocal|backing tracks?",
                "(?:originally )?performed by .+|(?:as )?made famous by .+|in the style of .+",
            ],
        ),
        (VersionClass.COVER, [r"cover of .+|cover(?: version)?$|tribute(?: to .+| version)?$|кавер|カバー|커버"]),
        (VersionClass.A_CAPPELLA, ["a ?cap+el+a|vocals? only"]),
        (VersionClass.SPED_UP, ["sped up(?: version)?|speed(?:ed)? up(?: version)?|nightcore"]),
        (VersionClass.SLOWED, ["slowed(?: down)?(?: and)?(?: reverb)?|chopped and screwed|daycore"]),
        (
            VersionClass.LIVE,
            [
                "^live|(?<!i )(?<!we )(?<!to )(?<!you )(?<!they )live$|unplugged|^in concert",
                "live (?:at|in|from|on|aus|à|en|im|bei) .+",
                "live (?:version|session|acoustic|performance|recording|take|mix|video)",
                "(?:en|ao|al|dal) (?:vivo|directo|direct)|sessions?$|концерт|живой|ライ[ブヴ]|라이브|现场|現場",
            ],
        ),
        (VersionClass.INSTRUMENTAL, ["instrumental[es]?|inst$|инструментал|インスト|インストゥルメンタル|연주곡|伴奏"]),
        (
            VersionClass.ORCHESTRAL,
            ["orchestral|symphonic|strings version", "with (?:the )?(?:\\w+ )?(?:strings|orchestra)"],
        ),
        (
            VersionClass.ACOUSTIC,
            [
                "acoustic|acustic[ao]|acoustique|akustik|akustisch|stripped|piano version",
                "акустика|アコースティック|어쿠스틱",
            ],
        ),
        (
            VersionClass.DEMO,
            [
                "demos?|демо|デモ|rough (?:mix|cut)|work ?tapes?|rehearsal|out ?takes?|early (?:take|version|mix)",
                "alternat(?:e|ive) (?:take|version|mix)|take (?:\\d+|one|two|three)",
            ],
        ),
        (VersionClass.RERECORDED, ["re ?record(?:ed|ing)|re ?imagined|revisited|redux|new (?:recording|version)"]),
        (
            VersionClass.EXTENDED,
            ["extended(?: (?:club )?(?:mix|version|cut|play))?|12 inch|12 (?:inch )?(?:mix|version|single)"],
        ),
        (
            VersionClass.EDIT,
            [
                "(?:radio|single|video|short|clean|censored|7|7 inch) (?:edit|version|mix|cut)|7 inch",
                f"^(?:radio|clean|censored)$|edit(?: {_YEAR})?$",
            ],
        ),
        (
            VersionClass.REMIX,
            [
                "re ?mix(?:ed|es)?|rmx|ремикс|リミックス|리믹스|mash ?up|bootleg|re ?work(?:ed)?|re ?fix|re ?edit",
                f"(?:mix|flip|vip|dub)(?: {_YEAR})?$",
            ],
        ),
        (VersionClass.MONO, ["mono"]),
        (VersionClass.MIXED, ["mixed$"]),
        (VersionClass.OTHER, ["(?:8|16)d(?: audio)?$", "(?:version|ver|take|arrangement|versione|versión)$"]),
    )
)
_POSSESSIVE: Final = re.compile(r"\w['\u2019]s (?:\w+ )?version\b", re.IGNORECASE)

# A folded note of nothing but these leaves the recording what it is.
_EDITION: Final = re.compile(
    rf"(?:{_YEAR} )?(?:digital(?:ly)? |newly )?re ?master(?:ed|s)?(?: (?:version|edition|(?:in )?{_YEAR}))?"
    r"|ремастер|リマスター|リマスタリング|리마스터"
    r"|(?:album|lp|original(?: album)?|explicit|full) version|original(?: mix| recording| song)?|explicit(?: lyrics)?"
    r"|(?:the )?official(?: music| lyrics?| hd)?(?: video| audio| visuali[sz]er)?|lyrics?(?: video)?|audio|hd|hq|4k"
    r"|(?:\w+ )?bonus(?: tracks?)?|(?:super )?deluxe(?: edition| version)?|single"
    rf"|(?:{_YEAR} |\d+th )?anniversary(?: edition)?"
    r"|(?:from )?.* ?(?:original )?(?:motion picture )?soundtrack|from .+ (?:motion picture|score|film|movie|game)"
)
_FROM_QUOTED: Final = re.compile(r"\s*from\s+[\"'\u201c\u2018\u201e\u00ab].+", re.IGNORECASE)

_GUESTS: Final = r"(?:feat(?:uring)?\b\.?|ft\.)"
_BEFORE_GUESTS: Final = re.compile(rf"\s+{_GUESTS}\s+", re.IGNORECASE)
_GUEST_NOTE: Final = re.compile(
    rf"\s*(?:{_GUESTS}|ft\b|with\b(?! (?:or|me|myself|you|him|her|us|them|love)\b))\s*(?P<names>\S.*)", re.IGNORECASE
)
_GUESTS_INLINE: Final = re.compile(
    rf"(?<=[^\d\s])\s+{_GUESTS}\s+(?P<names>[^()\[\]]+?)(?=\s*(?:[()\[\]]|\s[{_DASHES}]\s|$))", re.IGNORECASE
)
_NOBODY: Final = frozenset({"unknown", "unknown artist", "various", "various artists", "va"})
_BETWEEN_GUESTS: Final = re.compile(r"\s*[,;&+/]\s*|\s+(?:and|x|y|und|et)\s+", re.IGNORECASE)

_REMASTER_YEAR: Final = re.compile(rf"({_YEAR})\s+[{_DASHES}]\s+(?=(?:digital(?:ly)?\s+)?remaster)", re.IGNORECASE)
# A bracket that opens the title is part of it: "(I Can't Get No) Satisfaction".
_BRACKETS: Final = re.compile(r"(?!^)[(\[{\u3010]([^()\[\]{}\u3010\u3011]+)[)\]}\u3011]")
_DASH: Final = re.compile(rf"\s+[{_DASHES}]\s+|^[{_DASHES}]\s+")
_PARTS_OF_NOTE: Final = re.compile(rf"\s+[{_DASHES}/]\s+|\s*[/;]\s+")

# What none of the patterns above can do without; most titles hold none of it.
_MAY_HOLD_NOTES: Final = re.compile(rf"[^\x00-\x7f]|[(\[{{]|[{_DASHES}]\s|f(?:ea)?t", re.IGNORECASE)

_NUMBERED: Final = re.compile(
    r"\b(pt|part|no|nr|vol|volume|act|chapter|mvt|movement) ([ivx]+|\d+|one|two|three|four|five)\b"
)
_KINDS: Final = {"pt": "part", "nr": "no", "vol": "volume", "mvt": "movement"}
_NUMERALS: Final = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
_NUMBER_WORDS: Final = "one two three four five"
_NUMBERS: Final = {
    word: str(number) for words in (_NUMERALS, _NUMBER_WORDS) for number, word in enumerate(words.split(), 1)
}


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
    """Read a title and its notes; one that is nothing but notes is taken as it stands."""
    if not _MAY_HOLD_NOTES.search(title):
        whole = _numbered(fold(title))
        return Title(whole, whole)
    reading = _Reading()
    text = _REMASTER_YEAR.sub(r"\1 ", unicodedata.normalize("NFKC", title).strip())
    for is_note, piece in _pieces(_GUESTS_INLINE.sub(reading.take_guests, text)):
        if not (is_note and reading.take_note(piece)):
            reading.folded.append(piece)
            reading.core.append(piece)
    folded, core = _numbered(fold(" ".join(reading.folded))), _numbered(fold(" ".join(reading.core)))
    if not core:
        whole = _numbered(fold(title))
        return Title(whole, whole)
    return Title(folded, core, frozenset(reading.versions), frozenset(reading.guests))


def version_class(title: str) -> frozenset[VersionClass]:
    """Return what a title's notes say of the version; empty for the recording that the bare title names."""
    return read_title(title).versions


def fold_artists(names: Iterable[str]) -> frozenset[str]:
    """Fold the names of a track's artists; "A feat. B" is two, "Various Artists" nobody, "The" is dropped."""
    return frozenset[str]().union(*map(_fold_artist, names)) - _NOBODY


def same_artists(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether folded artists are the same, be they listed one by one or in one name: "A & B" and "A", "B"."""
    return bool(one) and (one == other or _words(one) == _words(other))


@dataclass(slots=True)
class _Reading:
    folded: list[str] = field(default_factory=list)
    core: list[str] = field(default_factory=list)
    versions: set[VersionClass] = field(default_factory=set)
    guests: set[str] = field(default_factory=set)

    def take_guests(self, match: re.Match[str]) -> str:
        self.guests |= _guests(match["names"])
        return ""

    def take_note(self, note: str) -> bool:
        """Take what may be a note, unless it belongs to the title; tell whether it was taken."""
        kept: list[str] = []
        is_note = False
        for part in filter(None, map(str.strip, _PARTS_OF_NOTE.split(note))):
            folded = fold(part)
            if _EDITION.fullmatch(folded) or _FROM_QUOTED.fullmatch(part):
                is_note = True
            elif versions := _versions(part, folded):
                is_note = True
                self.versions |= versions
                kept.append(folded if VersionClass.OTHER in versions else folded.removesuffix(" version"))
            elif guests := _GUEST_NOTE.fullmatch(part):
                is_note = True
                self.take_guests(guests)
            else:
                kept.append(part)
        if is_note:
            self.folded += kept
        return is_note


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Cut a title where notes may begin; what stands in brackets or behind a dash may be one."""
    for number, outside_or_note in enumerate(_BRACKETS.split(text)):
        if number % 2:
            yield True, outside_or_note
        else:
            name, *notes = _DASH.split(outside_or_note.strip())
            yield False, name
            for note in notes:
                yield True, note


def _versions(note: str, folded: str) -> set[VersionClass]:
    found: set[VersionClass] = set()
    for kind, pattern in _CLASSES:
        rest = pattern.sub(" ", folded)
        if rest != folded and not (kind is VersionClass.OTHER and found):
            found.add(kind)
            folded = " ".join(rest.split())
    if found == {VersionClass.OTHER} and _POSSESSIVE.search(note):
        return {VersionClass.RERECORDED}
    return found


@lru_cache(maxsize=16_384)
def _fold_artist(name: str) -> frozenset[str]:
    lead, *guests = _BEFORE_GUESTS.split(name, maxsplit=1)
    return frozenset({_without_article(fold(lead))}.union(*map(_guests, guests)) - {""})


def _guests(names: str) -> set[str]:
    return {_without_article(fold(name)) for name in _BETWEEN_GUESTS.split(names)} - {""}


def _without_article(name: str) -> str:
    return name.removeprefix("the ") if name != "the the" else name


def _words(names: frozenset[str]) -> list[str]:
    return sorted(word for name in names for word in name.split() if word != "and")


def _numbered(folded: str) -> str:
    def written_out(match: re.Match[str]) -> str:
        return f"{_KINDS.get(match[1], match[1])} {_NUMBERS.get(match[2], match[2])}"

    return _NUMBERED.sub(written_out, folded)


def _plain(text: str) -> str:
    kept: list[str] = []
    on_bare_letter = False
    for character in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(character):
            if not on_bare_letter:
                kept.append(character)
            continue
        on_bare_letter = unicodedata.name(character, "").startswith(("LATIN", "GREEK"))
        kept.append(character)
    return unicodedata.normalize("NFKC", "".join(kept)).casefold().replace("ё", "е")  # noqa: RUF001 - Cyrillic


def _spaced(character: str) -> str:
    if character == "&":
        return " and "
    if character in "'\u2018\u2019`":
        return ""
    # Letters, marks (vowel signs are marks in many scripts) and digits; the rest separates words.
    return character if unicodedata.category(character)[0] in "LMN" else " "


_ASCII: Final = {code: _spaced(chr(code)) for code in range(128)}
