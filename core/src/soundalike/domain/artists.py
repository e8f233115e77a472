r"""The artists that a credit names: "A feat. B; C" are three, "AC/DC" is one.

Some separators leave no doubt: `;`, ` / `, `\\`, `|`, `、`, a comma without a space, "feat.", the values of a tag.
Others stand in names as often as between them: `,`, `&`, `/`, `+`, "x", "vs", "and". There it counts whether the parts
are known as artists, and a name of which nothing is known stays one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.domain.artist_names import ONE_ARTIST
from soundalike.domain.title_notes import BETWEEN_GUESTS, CREDITED_GUESTS, GUEST_NOTE, NOTE_IN_BRACKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_ARTISTS: Final = 50
_MAX_JOINT_PARTS: Final = 8
_MIN_EVIDENCE_LENGTH: Final = 3
"""Letters of a name that is evidence by itself: an artist DC says nothing about "AC/DC"."""

_FIRST_CJK: Final = "\u2e80"

_BREAKS: Final = re.compile(r"[\0\r\n]")
_TIGHT_COMMA: Final = r"(?<=[^\s,]),(?=[^\s\d,])"
# A semicolon ends "&amp;", and a comma stands in numbers.
_SURE: Final = re.compile(rf"( ?(?:(?<!&amp);|[\uff1b\u3001|]|\\) ?| (?://?|\uff0f) |{_TIGHT_COMMA})")
_DOUBTFUL: Final = re.compile(
    r"(, | ?[\uff0c\uff0f/] ?| vs\.? | ?(?:&amp;|[&\uff06]) ?| (?:[+x\xd7]|and|und|et|y) )", re.IGNORECASE
)
_LIST_COMMA: Final = re.compile("(, |\uff0c ?)")
_JOINT: Final = re.compile(" ?(?:&amp;|[&\uff06+x\xd7]|and|und|et|y) ?", re.IGNORECASE)
# What goes on with the name before it: "Tyler, the Creator", "Harry Connick, Jr.", "X & the Ys", "X and His Orchestra".
_CONTINUATION: Final = re.compile(
    r"(?:the|his|her|their|sons|friends|co)\b.*|(?:[js]r|i{2,3}|iv|inc|ltd|md)\.?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class CreditedName:
    """A name in a credit; one that is not `exact` may be several, where its parts are known as artists."""

    name: str
    exact: bool


def read_credit(values: Iterable[str]) -> list[CreditedName]:
    """Split a credit, of one value or several, where there is no doubt."""
    pieces = [
        piece
        for value in values
        for line in _BREAKS.split(value)
        for piece in _split(" ".join(line.split()), _SURE, _is_one_artist)[::2]
        if piece
    ]
    names: list[CreditedName] = []
    for piece in pieces:
        lead, guests = _without_guests(piece)
        exact = len(pieces) > 1 or _is_one_artist(lead) or not _DOUBTFUL.search(lead)
        names.append(CreditedName(lead, exact))
        names += (CreditedName(guest, exact=True) for guest in guests)
    unique: dict[str, CreditedName] = {}
    for credited in names:
        if credited.name:
            unique.setdefault(credited.name.casefold(), credited)
    return list(unique.values())[:MAX_ARTISTS]


def decide(values: Iterable[str], is_known: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the artists of a credit; `is_known` tells whether a name is that of an artist, known from elsewhere."""
    return _unique(part for credited in read_credit(values) for part in _decide(credited, is_known))


def decide_cell(cell: str, is_known: Callable[[str], bool], *, tight: bool) -> tuple[str, ...]:
    """Return the artists in a cell of a table, whose names are separated by ", ", or where `tight` by ",".

    A comma with a space is part of a name where `tight`, and in the form of "Earth, Wind & Fire".
    """
    credit = read_credit([cell])
    if tight:
        return _unique(credited.name for credited in credit)
    return _unique(
        part
        for credited in credit
        for piece in ([credited] if credited.exact else _cell_pieces(credited.name, is_known))
        for part in _decide(piece, is_known)
    )


def holds_tight_comma(cell: str) -> bool:
    """Tell whether names in a cell are separated by a comma without a space."""
    return any(separator == "," for separator in _split(cell, _SURE, _is_one_artist)[1::2])


def doubtful_names(values: Iterable[str]) -> set[str]:
    """Return the names that `decide` asks about for this credit, none where there is no doubt."""
    asked: set[str] = set()

    def note(name: str) -> bool:
        asked.add(name)
        return False

    decide(values, note)
    return asked


def guest_names(text: str) -> list[str]:
    """Split what stands behind "feat."."""
    return [name for part in _split(text, BETWEEN_GUESTS, _is_one_artist)[::2] if (name := part.strip())]


def _decide(credited: CreditedName, is_known: Callable[[str], bool]) -> list[str]:
    if credited.exact or is_known(credited.name):
        return [credited.name]

    def is_one(text: str) -> bool:
        return _is_one_artist(text) or is_known(text)

    tokens = _with_continuations(_split(credited.name, _DOUBTFUL, is_one), is_known)
    parts, joints = tokens[::2], [bool(_JOINT.fullmatch(separator)) for separator in tokens[1::2]]
    known = [is_one(part) for part in parts]
    evidence = [part for part, is_artist in zip(parts, known, strict=True) if is_artist and _is_evidence(part)]
    if not any(joints):
        # "Alpha Duo, Epsilon"
        is_list = bool(evidence)
    else:
        # The first word of "Simon & Garfunkel" and of "Earth, Wind & Fire" is an artist, too.
        weighty = [part for part in evidence if _is_distinctive(part)]
        is_list = parts[0] in weighty if all(joints) else bool(weighty)
    return parts if is_list or all(known) else [credited.name]


def _cell_pieces(name: str, is_known: Callable[[str], bool]) -> list[CreditedName]:
    tokens = _with_continuations(_split(name, _LIST_COMMA, _is_one_artist), is_known)
    # "Wind, Rain & Snow" is more likely one artist than three who are called so.
    if (
        len(tokens) > 1
        and any(map(_JOINT.fullmatch, _DOUBTFUL.findall(tokens[-1])))
        and not any(" " in part for token in tokens[::2] for part in _DOUBTFUL.split(token)[::2])
    ):
        return [CreditedName(name, exact=False)]
    return [CreditedName(piece, exact=_is_one_artist(piece)) for piece in tokens[::2]]


def _split(text: str, separators: re.Pattern[str], is_one: Callable[[str], bool]) -> list[str]:
    """Split a text into names and, at the odd places, their separators; names that are one artist stay whole."""
    tokens = separators.split(text)
    joined: list[str] = []
    place = 0
    while place < len(tokens):
        ends = range(min(len(tokens), place + 2 * _MAX_JOINT_PARTS - 1), place + 1, -2)
        end = next((end for end in ends if is_one("".join(tokens[place:end]).strip())), place + 1)
        joined += ["".join(tokens[place:end]), *tokens[end : end + 1]]
        place = end + 1
    return joined


def _with_continuations(tokens: list[str], is_known: Callable[[str], bool]) -> list[str]:
    joined = tokens[:1]
    for separator, part in zip(tokens[1::2], tokens[2::2], strict=True):
        if _CONTINUATION.fullmatch(part) and not is_known(part):
            joined[-1] += separator + part
        else:
            joined += [separator, part]
    return joined


def _without_guests(name: str) -> tuple[str, list[str]]:
    guests: list[str] = []
    for note in NOTE_IN_BRACKETS.findall(name):
        if named := GUEST_NOTE.fullmatch(note):
            guests += guest_names(named["names"])
            name = " ".join(name.replace(f"({note})", "").replace(f"[{note}]", "").split())
    lead, *inline = CREDITED_GUESTS.split(name)
    return lead.strip(), [guest for names in inline for guest in guest_names(names)] + guests


def _is_one_artist(name: str) -> bool:
    return _key(name) in _ONE_ARTIST


def _is_evidence(name: str) -> bool:
    return not name.isascii() or len(name) >= _MIN_EVIDENCE_LENGTH


def _is_distinctive(name: str) -> bool:
    """Tell whether a name is more than a word that occurs in names of others."""
    return " " in name or name[0] >= _FIRST_CJK


def _key(name: str) -> str:
    words = name.casefold().replace("&amp;", "&").replace(" and ", "&").replace(" + ", "&")
    return words.replace(" ", "")


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    unique: dict[str, str] = {}
    for name in names:
        if name:
            unique.setdefault(name.casefold(), name)
    return tuple(unique.values())[:MAX_ARTISTS]


_ONE_ARTIST: Final = frozenset(map(_key, ONE_ARTIST))
