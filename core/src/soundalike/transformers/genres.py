"""Genres as people type them, folded into few."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.transformers.column_transformer import Columnwise, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_AMPERSAND: Final = re.compile(r"\s*(?:&|\+|\bn\b|'n'|\band\b)\s*")
_SEPARATOR: Final = re.compile(r"[^\w&]+", re.UNICODE)

# Different words for one thing, after everything else is folded away.
_SAME: Final = {
    "dnb": "drum&bass", "d&b": "drum&bass", "drumnbass": "drum&bass", "drum&bass": "drum&bass",
    "hiphop": "hip hop", "hip hop rap": "hip hop", "hip hop&rap": "hip hop", "rap": "hip hop", "rap hip hop": "hip hop",
    "r&b": "rnb", "rnb": "rnb", "rhythm&blues": "rnb", "r&b soul": "rnb", "r&b&soul": "rnb",
    "electronica": "electronic", "electro": "electronic", "edm": "dance", "dance&edm": "dance", "dance edm": "dance",
    "lofi": "lo fi", "alternative rock": "alternative", "alt rock": "alternative", "synthpop": "synth pop",
    "ambiant": "ambient", "techhouse": "tech house", "deephouse": "deep house", "rocknroll": "rock&roll",
}  # fmt: skip


class Genres(Columnwise):
    """One column per genre: 1 where it is the track's; `name_other` for rare ones, `name_unknown` for none.

    Case, accents, punctuation and common other names are folded away ("Drum & Bass", "DnB" and "drum n bass" are one).
    Learnt are the `most` genres that at least `least` tracks have, most frequent first.
    """

    def __init__(self, *, least: int = 2, most: int = 50) -> None:
        self.least = least
        self.most = most

    def _learn(self, values: Sequence[Any]) -> tuple[str, ...]:
        if self.least < 1 or self.most < 1:
            raise ValueError("least and most must be at least 1")
        counts = Counter(genre for value in values if (genre := folded_genre(value)))
        frequent = sorted((one for one, count in counts.items() if count >= self.least), key=lambda g: (-counts[g], g))
        return tuple(frequent[: self.most])

    def _suffixes(self, learnt: tuple[str, ...]) -> list[str]:
        return [*learnt, "other", "unknown"]

    def _make(self, values: Sequence[Any], learnt: tuple[str, ...]) -> NDArray[np.float64]:
        place_of = {genre: place for place, genre in enumerate(learnt)}
        made = np.zeros((len(values), len(learnt) + 2))
        for row, value in enumerate(values):
            genre = folded_genre(value)
            made[row, place_of.get(genre, len(learnt)) if genre else len(learnt) + 1] = 1.0
        return made


def folded_genre(value: Any) -> str:
    """Return the genre that a text stands for, or nothing for a missing or empty one."""
    if is_missing(value):
        return ""
    text = unicodedata.normalize("NFKD", str(value)).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).removeprefix("#")
    joined = " ".join(_SEPARATOR.sub(" ", _AMPERSAND.sub("&", text)).split()).strip("&")
    return _SAME.get(joined, joined)
