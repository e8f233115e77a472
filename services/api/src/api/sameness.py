"""When two tracks are the same recording, so that an answer never holds it twice.

Two releases of one studio take are the same; a live take, a remix, an acoustic version or another mix is not. Where
the signs leave doubt the tracks count as different: a recording shown twice annoys, a recording hidden is lost.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NEAR_COSINE: Final = 0.9995
"""Vectors above it are near-equal: another encoding of the same audio moves a vector less than that."""

NEAR_DURATION_MS: Final = 2_000
"""How far the lengths of two releases of one recording lie apart at most."""

_NAMELESS: Final = ("", frozenset[str]())
# Only this suffix says nothing about what was played: "- Remastered 2011", "(2009 Remaster)", "[Digital Remaster]".
_REMASTER: Final = re.compile(
    r"\s*(?:[-\u2013\u2014]\s+|(?P<open>[(\[]))"
    r"(?:\d{4}\s+(?:-\s+)?)?(?:digital(?:ly)?\s+)?remaster(?:ed)?(?:\s+(?:version|\d{4}))?(?(open)[)\]])\s*$",
    re.IGNORECASE,
)


def fold(text: str) -> str:
    """Reduce a name to what does not differ between spellings: case, width, Latin accents, punctuation, spaces.

    Accents of other scripts tell words apart (が and か) and stay. Text of punctuation only stays as it is.
    """
    kept: list[str] = []
    on_latin = False
    for character in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(character):
            if not on_latin:
                kept.append(character)
            continue
        on_latin = unicodedata.name(character, "").startswith("LATIN")
        kept.append(character)
    plain = unicodedata.normalize("NFKC", "".join(kept)).casefold()
    words = "".join(_spaced(character) for character in plain).split()
    return " ".join(words) or " ".join(plain.split())


def fold_title(title: str) -> str:
    """Fold a title without its note on remastering; every other note (live, remix, edit, demo) stays."""
    return fold(_REMASTER.sub("", title)) or fold(title)


def _spaced(character: str) -> str:
    if character == "&":
        return " and "
    if character in "'\u2018\u2019`":
        return ""
    # Letters, marks (vowel signs are marks in many scripts) and digits; the rest separates words.
    return character if unicodedata.category(character)[0] in "LMN" else " "


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What tells recordings apart: names as folded, length in milliseconds, vector float32 [d] of unit length."""

    isrc: str
    name: tuple[str, frozenset[str]]
    duration_ms: int | None
    vector: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        *,
        title: str,
        artists: Sequence[str],
        isrc: str | None,
        duration_ms: int | None,
        vector: NDArray[np.float32],
    ) -> Recording:
        """Fold what the catalogue says about a track."""
        folded_title = fold_title(title)
        folded_artists = frozenset(filter(None, map(fold, artists)))
        return cls(
            isrc=re.sub(r"[^0-9A-Z]", "", (isrc or "").upper()),
            name=(folded_title, folded_artists) if folded_title and folded_artists else _NAMELESS,
            duration_ms=duration_ms,
            vector=vector,
        )


def same_recording(one: Recording, other: Recording, centre: NDArray[np.float32] | None = None) -> bool:
    """Tell whether two tracks are one recording: equal ISRC, equal names, or near-equal vectors of equal length.

    `centre` [d] is the middle of all vectors where they do not lie around zero; nearness is measured from there.
    """
    return (
        (one.isrc != "" and one.isrc == other.isrc)
        or (one.name != _NAMELESS and one.name == other.name)
        or _sounds_the_same(one, [other], centre)
    )


def near_equal(one: NDArray[np.float32], other: NDArray[np.float32], centre: NDArray[np.float32] | None = None) -> bool:
    """Tell whether two vectors [d] differ by less than `NEAR_COSINE` allows, as seen from `centre` [d].

    Raw vectors all point the same way (real music: cosines around 0.97), so that an angle at the origin would call
    different pieces equal. For vectors of unit length and no centre this is the cosine, by the law of cosines.
    """
    return _any_near(one[np.newaxis], other, centre)


def _sounds_the_same(recording: Recording, others: Sequence[Recording], centre: NDArray[np.float32] | None) -> bool:
    length = recording.duration_ms
    if length is None:
        return False
    near = [
        other.vector
        for other in others
        if other.duration_ms is not None and abs(other.duration_ms - length) <= NEAR_DURATION_MS
    ]
    return bool(near) and _any_near(np.stack(near), recording.vector, centre)


def _any_near(ones: NDArray[np.float32], other: NDArray[np.float32], centre: NDArray[np.float32] | None) -> bool:
    firsts, second = ones.astype(np.float64), other.astype(np.float64)
    apart = ((firsts - second) ** 2).sum(axis=1)
    if centre is not None:
        firsts, second = firsts - centre, second - centre
    spread = np.linalg.norm(firsts, axis=1) * np.linalg.norm(second)
    return bool(((apart == 0) | (apart < 2 * (1 - NEAR_COSINE) * spread)).any())


@dataclass(slots=True)
class Distinct:
    """Recordings that differ from each other, collected one by one."""

    centre: NDArray[np.float32] | None = None
    _isrcs: set[str] = field(default_factory=set)
    _names: set[tuple[str, frozenset[str]]] = field(default_factory=set)
    _kept: list[Recording] = field(default_factory=list)

    def admit(self, recording: Recording) -> bool:
        """Keep a recording and return True, or return False where it is the same as one that was kept."""
        if recording.isrc in self._isrcs or recording.name in self._names:
            return False
        if _sounds_the_same(recording, self._kept, self.centre):
            return False
        if recording.isrc:
            self._isrcs.add(recording.isrc)
        if recording.name != _NAMELESS:
            self._names.add(recording.name)
        self._kept.append(recording)
        return True
