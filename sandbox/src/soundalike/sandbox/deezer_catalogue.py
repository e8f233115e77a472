"""What the sandbox's Deezer holds, looked up by id, by ISRC and by words."""

import re
from dataclasses import replace
from typing import Final

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.playlists import MAX_GENERATED, generated_track
from soundalike.sandbox.store_catalogues import (
    ShopTrack,
    Standing,
    catalogue,
    generated_by_isrc,
    generated_by_key,
    generated_by_words,
    key_of,
    shop_track,
    standing,
    words,
)

DEMO_PLAYLIST: Final = 1001
AWKWARD_PLAYLIST: Final = 1002
GENERATED_PLAYLISTS: Final = 9_000_000_000
_SHOP: Final = "deezer"
_FIELD: Final = re.compile(r'(\w+):"([^"]*)"')

Row = ShopTrack | None
"""None is the null that stands where a track was."""


class DeezerShelf:
    """Tracks, playlists, albums and artists."""

    def __init__(self) -> None:
        self._tracks: dict[int, ShopTrack] = {}
        self._playlists: dict[int, tuple[str, tuple[Row, ...]]] = {}
        for one in catalogue(_SHOP):
            self.add(one)
        demo = tuple(self._tracks.values())
        self.add_playlist(DEMO_PLAYLIST, "Soundalike demo", demo)
        self.add_playlist(AWKWARD_PLAYLIST, "Awkward on purpose", _awkward(demo))

    def add(self, one: ShopTrack) -> None:
        """Put a track on the shelf, or another in place of the one with its key."""
        self._tracks[one.key] = one

    def add_playlist(self, key: int, title: str, rows: tuple[Row, ...]) -> None:
        """Put a playlist on the shelf, with those of its tracks that are not there."""
        self._playlists[key] = (title, rows)
        for row in rows:
            if row is not None:
                self._tracks.setdefault(row.key, row)

    def track(self, key: int) -> ShopTrack | None:
        """Return the track with an id; a tombstone's track is gone."""
        if key in self._tracks:
            return self._tracks[key] if self._tracks[key].title else None
        found = generated_by_key(_SHOP, key)
        return None if found is None else _as_deezer_has_it(*found)

    def by_isrc(self, isrc: str) -> ShopTrack | None:
        """Return the track that Deezer names for an ISRC, the right one or not; case does not matter."""
        for one in self._tracks.values():
            if one.isrc.upper() == isrc.upper() and one.title:
                return one
        found = generated_by_isrc(_SHOP, isrc.upper())
        if found is None:
            return None
        number, one = found
        match standing(number):
            case Standing.BY_ISRC | Standing.UNHEARD:
                return _as_deezer_has_it(number, one)
            case Standing.WRONG_ISRC:
                other = shop_track(_SHOP, generated_track((number + 7) % MAX_GENERATED))
                return replace(other, isrc=one.isrc, title="Concrete Summer", artist="Somebody Else", contributors=())
            case _:
                return None

    def search(self, query: str) -> list[ShopTrack]:
        """Return the tracks for a query: `artist:"…" track:"…"`, or words that all stand in artist and title."""
        fields = dict(_FIELD.findall(query))
        if fields:
            artist, title = words(fields.get("artist", "")), words(fields.get("track", ""))
        else:
            artist, title = [], words(query)
        found = generated_by_words(_SHOP, " ".join(title))
        if found is not None:
            number, _ = found
            listed = _as_deezer_has_it(*found)
            hidden = bool(fields) and standing(number) is Standing.BY_WORDS
            return [] if listed is None or hidden else [listed]
        return [
            one
            for one in self._tracks.values()
            if one.title
            and set(artist) <= set(words(one.artist))
            and set(title) <= _said_by(one, with_artist=not fields)
        ]

    def playlist(self, key: int) -> tuple[str, str, tuple[Row, ...]] | None:
        """Return title, checksum and rows of a playlist."""
        known = self._playlists.get(key)
        count = key - GENERATED_PLAYLISTS
        if known is None and 0 <= count <= MAX_GENERATED:
            rows = (_as_deezer_has_it(n, shop_track(_SHOP, generated_track(n))) for n in range(count))
            known = (f"{count} generated tracks", tuple(row for row in rows if row is not None))
        if known is None:
            return None
        title, rows_known = known
        return title, digest("checksum", title, rows_known)[:32], rows_known

    def album(self, key: int) -> tuple[str, str, list[ShopTrack]] | None:
        """Return title, artist and tracks of an album."""
        tracks = [one for one in self._tracks.values() if album_key(one) == key]
        return (tracks[0].album, tracks[0].artist, tracks) if tracks else None

    def artist(self, key: int) -> tuple[str, list[ShopTrack]] | None:
        """Return the name of an artist and the tracks, the most played first."""
        tracks = [one for one in self._tracks.values() if artist_key(one.artist) == key and one.title]
        return (tracks[0].artist, tracks) if tracks else None


def album_key(one: ShopTrack) -> int:
    """Return the id of a track's album."""
    return key_of(_SHOP, "album", one.artist, one.album)


def artist_key(name: str) -> int:
    """Return the id of an artist."""
    return key_of(_SHOP, "artist", name)


def _as_deezer_has_it(number: int, one: ShopTrack) -> ShopTrack | None:
    match standing(number):
        case Standing.ITUNES_ONLY | Standing.NOWHERE:
            return None
        case Standing.UNHEARD:
            return replace(one, preview=False, readable=False)
        case Standing.BY_ISRC:
            return one
        case _:
            return replace(one, isrc=f"ZZDEE{number:07d}")


def _said_by(one: ShopTrack, *, with_artist: bool) -> set[str]:
    return {*words(one.title), *words(one.version), *(words(one.artist) if with_artist else ())}


def _awkward(demo: tuple[ShopTrack, ...]) -> tuple[Row, ...]:
    """Return a track, null, a tombstone, one without preview, one not readable, a lower-case ISRC, the first again."""
    plain, unheard, closed, lower = demo[0], demo[8], demo[16], demo[24]
    return (
        plain,
        None,
        replace(demo[32], key=key_of("tombstone"), title="", artist="", contributors=(), milliseconds=0, preview=False),
        replace(unheard, key=key_of("unheard"), preview=False),
        replace(closed, key=key_of("closed"), readable=False),
        replace(lower, key=key_of("lower"), isrc=lower.isrc.lower()),
        plain,
    )
