"""What Deezer and iTunes have: the pieces of the catalogue, and the tracks of the generated playlists."""

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
class StoreTrack:
    """A recording as a store lists it; `preview` tells whether it has one, `piece` is what it sounds like."""

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


class Availability(Enum):
    """Which stores have a generated track, so that a crawl meets every case."""

    BY_ISRC = auto()
    """Deezer knows the ISRC."""
    BY_SEARCH = auto()
    """Deezer has the recording with another ISRC."""
    BY_WORDS = auto()
    """Deezer has it with another ISRC, and only a search without fields finds it."""
    WRONG_ISRC = auto()
    """Deezer gives another recording for the ISRC; a search finds the right one."""
    WITHOUT_PREVIEW = auto()
    """Deezer has it without a preview, iTunes has it with one."""
    ITUNES_ONLY = auto()
    """Deezer does not have it, iTunes has."""
    NOWHERE = auto()
    """No store has it."""


_AVAILABILITIES: Final = {
    14: Availability.BY_SEARCH,
    15: Availability.BY_WORDS,
    16: Availability.WRONG_ISRC,
    17: Availability.WITHOUT_PREVIEW,
    18: Availability.ITUNES_ONLY,
    19: Availability.NOWHERE,
}


def availability(number: int) -> Availability:
    """Return the availability of a numbered generated track: of each twenty, the ISRC finds fourteen."""
    return _AVAILABILITIES.get(number % 20, Availability.BY_ISRC)


def numeric_id(*parts: object) -> int:
    """Return a numeric id below 2 to the power of 31, derived from the parts."""
    return int(digest(*parts)[:15], 16) % 2_000_000_000 + 1


def store_track(store: str, spotify_track: SpotifyTrack) -> StoreTrack:
    """Return a track of the playlists as a store lists it."""
    key = (
        numeric_id(store, spotify_track.spotify_id)
        if spotify_track.take is None
        else GENERATED_KEYS + spotify_track.take
    )
    return StoreTrack(
        key=key,
        title=spotify_track.title,
        artist=spotify_track.artist,
        album=spotify_track.album,
        isrc=spotify_track.isrc,
        milliseconds=spotify_track.duration_ms,
        piece=spotify_track.piece,
        contributors=(spotify_track.artist,),
        take=spotify_track.take,
    )


def store_tracks(store: str) -> Iterator[StoreTrack]:
    """Yield all pieces as a store lists them."""
    return (store_track(store, track(piece)) for piece in pieces())


def generated_by_isrc(store: str, isrc: str) -> tuple[int, StoreTrack] | None:
    """Return the generated track with an ISRC, and its number."""
    match = _GENERATED_ISRC.fullmatch(isrc)
    return _generated(store, int(match[1])) if match else None


def generated_by_key(store: str, key: int) -> tuple[int, StoreTrack] | None:
    """Return the generated track with a key, and its number."""
    return _generated(store, key - GENERATED_KEYS)


def generated_by_words(store: str, words: str) -> tuple[int, StoreTrack] | None:
    """Return the generated track whose title is among some words, and its number."""
    match = _TAKE.search(words)
    return _generated(store, int(match[1])) if match else None


def _generated(store: str, number: int) -> tuple[int, StoreTrack] | None:
    return (number, store_track(store, generated_track(number))) if 0 <= number < MAX_GENERATED else None


def words(text: str) -> list[str]:
    """Return the words of a text without case, accents and punctuation, as a search engine sees them."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("'", "").replace("\u2019", "")
    return "".join(one if one.isalnum() else " " for one in plain if not unicodedata.combining(one)).split()
