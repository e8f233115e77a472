"""What the other shops hold: the pieces of the catalogue, and the tracks of the generated playlists."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from soundalike.sandbox.catalogue import Piece, digest, pieces
from soundalike.sandbox.playlists import MAX_GENERATED, generated_track, track
from soundalike.sandbox.playlists import Track as SpotifyTrack

GENERATED_KEYS: Final = 7_000_000_000
_TAKE: Final = re.compile(r"take (\d{1,8}) of .+")
_GENERATED_ISRC: Final = re.compile(r"ZZGEN(\d{7})")


@dataclass(frozen=True)
class ShopTrack:
    """A recording as a shop lists it; `preview` false is one that cannot be heard, `piece` what it sounds like."""

    key: int
    title: str
    artist: str
    album: str
    isrc: str
    milliseconds: int
    piece: Piece
    contributors: tuple[str, ...] = ()
    version: str = ""
    preview: bool = True
    readable: bool = True
    take: int | None = None


class Standing(Enum):
    """How a generated track stands with the shops, so that a crawl meets every case."""

    BY_ISRC = auto()
    """Deezer knows the ISRC."""
    BY_SEARCH = auto()
    """Deezer has the recording with another ISRC."""
    BY_WORDS = auto()
    """As before, and only a search without fields finds it."""
    WRONG_ISRC = auto()
    """Deezer gives another recording for the ISRC; a search finds the right one."""
    UNHEARD = auto()
    """Deezer has it without a preview, iTunes has it."""
    ITUNES_ONLY = auto()
    """Deezer does not have it, iTunes has."""
    NOWHERE = auto()
    """Nobody has it."""


_STANDINGS: Final = {
    14: Standing.BY_SEARCH,
    15: Standing.BY_WORDS,
    16: Standing.WRONG_ISRC,
    17: Standing.UNHEARD,
    18: Standing.ITUNES_ONLY,
    19: Standing.NOWHERE,
}


def standing(number: int) -> Standing:
    """Return how the numbered generated track stands: of each twenty, fourteen are found by their ISRC."""
    return _STANDINGS.get(number % 20, Standing.BY_ISRC)


def key_of(*parts: object) -> int:
    """Return a numeric id below 2 to the power of 31, derived from the parts."""
    return int(digest(*parts)[:15], 16) % 2_000_000_000 + 1


def shop_track(shop: str, listed: SpotifyTrack) -> ShopTrack:
    """Return a track of the playlists as a shop lists it."""
    key = key_of(shop, listed.spotify_id) if listed.take is None else GENERATED_KEYS + listed.take
    return ShopTrack(
        key=key,
        title=listed.title,
        artist=listed.artist,
        album=listed.album,
        isrc=listed.isrc,
        milliseconds=listed.duration_ms,
        piece=listed.piece,
        contributors=(listed.artist,),
        take=listed.take,
    )


def catalogue(shop: str) -> Iterator[ShopTrack]:
    """Yield all pieces as a shop lists them."""
    return (shop_track(shop, track(piece)) for piece in pieces())


def generated_by_isrc(shop: str, isrc: str) -> tuple[int, ShopTrack] | None:
    """Return the generated track with an ISRC, and its number."""
    found = _GENERATED_ISRC.fullmatch(isrc)
    return _generated(shop, int(found[1])) if found else None


def generated_by_key(shop: str, key: int) -> tuple[int, ShopTrack] | None:
    """Return the generated track with a key, and its number."""
    return _generated(shop, key - GENERATED_KEYS)


def generated_by_words(shop: str, words: str) -> tuple[int, ShopTrack] | None:
    """Return the generated track whose title is among some words, and its number."""
    found = _TAKE.search(words)
    return _generated(shop, int(found[1])) if found else None


def _generated(shop: str, number: int) -> tuple[int, ShopTrack] | None:
    return (number, shop_track(shop, generated_track(number))) if 0 <= number < MAX_GENERATED else None


def words(text: str) -> list[str]:
    """Return the words of a text without case, accents and punctuation, as a search engine sees them."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("'", "").replace("\u2019", "")
    return "".join(one if one.isalnum() else " " for one in plain if not unicodedata.combining(one)).split()
