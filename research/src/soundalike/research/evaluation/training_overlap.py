"""The music that systems learnt from: scores on it say little.

Music is named by collections. One is known by the checksums of its files; others are named by a corpus's own list, in
the column `collection`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE: Final = "learnt-from.txt"
_DIGITS: Final = 16
"""Digits of a checksum, enough to identify a file."""

FREE_GAMES: Final = "free-games"
"""What the built-in weights and projections were trained on, known by its checksums."""

MILLION_SONGS: Final = "million-song-dataset"
JAMENDO: Final = "mtg-jamendo"
AUDIO_SET: Final = "audioset"
COLLECTIONS: Final = (FREE_GAMES, MILLION_SONGS, JAMENDO, AUDIO_SET)


def collections_of(sha256: str, collection: str = "") -> frozenset[str]:
    """Return the collections that a file (its SHA-256 as hexadecimal digits) belongs to, `collection` among them."""
    known = {FREE_GAMES} if sha256[:_DIGITS] in _known() else set[str]()
    return frozenset(known | ({collection} if collection else set()))


def count(checksums: Iterable[str]) -> int:
    """Return how many of these files the built-in weights and projections were trained on."""
    return sum(FREE_GAMES in collections_of(checksum) for checksum in checksums)


@cache
def _known() -> frozenset[str]:
    return frozenset(
        resources.files("soundalike.research.evaluation").joinpath(FILE).read_text(encoding="ascii").split()
    )
