"""Genres as people type them, folded into few."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soundalike.domain.title_notes import SPACES
from soundalike.transformers.column_transformer import PerColumnTransformer, is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_AMPERSAND: Final = re.compile(rf"{SPACES}?(?:&|\+|\bn\b|'n'|\band\b)\s*")
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


class Genres(PerColumnTransformer):
    """One column per genre: 1 where it is the track's; `name_other` for rare ones, `name_unknown` for none.

    Case, accents, punctuation and common other names are folded away ("Drum & Bass", "DnB" and "drum n bass" are one).
    `fit` learns the `max_genres` most frequent genres that at least `min_count` tracks have.
    """

    def __init__(self, *, min_count: int = 2, max_genres: int = 50) -> None:
        self.min_count = min_count
        self.max_genres = max_genres

    def _fit_column(self, values: Sequence[Any]) -> tuple[str, ...]:
        if self.min_count < 1 or self.max_genres < 1:
            raise ValueError("min_count and max_genres must be at least 1")
        counts = Counter(genre for value in values if (genre := folded_genre(value)))
        frequent = sorted(
            (genre for genre, count in counts.items() if count >= self.min_count), key=lambda g: (-counts[g], g)
        )
        return tuple(frequent[: self.max_genres])

    def _suffixes(self, vocabulary: tuple[str, ...]) -> list[str]:
        return [*vocabulary, "other", "unknown"]

    def _transform_column(self, values: Sequence[Any], vocabulary: tuple[str, ...]) -> NDArray[np.float64]:
        column_of = {genre: column for column, genre in enumerate(vocabulary)}
        features = np.zeros((len(values), len(vocabulary) + 2))
        for row, value in enumerate(values):
            genre = folded_genre(value)
            features[row, column_of.get(genre, len(vocabulary)) if genre else len(vocabulary) + 1] = 1.0
        return features


def folded_genre(value: Any) -> str:
    """Return the genre that a text stands for, or nothing for a missing or empty one."""
    if is_missing(value):
        return ""
    text = unicodedata.normalize("NFKD", str(value)).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).removeprefix("#")
    joined = " ".join(_SEPARATOR.sub(" ", _AMPERSAND.sub("&", text)).split()).strip("&")
    return _SAME.get(joined, joined)
