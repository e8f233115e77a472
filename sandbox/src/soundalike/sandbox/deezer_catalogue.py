"""What the sandbox's Deezer holds, looked up by id, by ISRC and by words."""

import re
from dataclasses import replace
from typing import Final

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.playlists import MAX_GENERATED, generated_track
from soundalike.sandbox.store_catalogues import (
    Availability,
    StoreTrack,
    availability,
    generated_by_isrc,
    generated_by_key,
    generated_by_words,
    numeric_id,
    store_track,
    store_tracks,
    words,
)

DEMO_PLAYLIST: Final = 1001
AWKWARD_PLAYLIST: Final = 1002
GENERATED_PLAYLISTS: Final = 9_000_000_000
_STORE: Final = "deezer"
_FIELD: Final = re.compile(r'(\w+):"([^"]*)"')

Row = StoreTrack | None
"""None is the null that stands where a track was."""


class DeezerCatalogue:
    """Tracks, playlists, albums and artists."""

    def __init__(self) -> None:
        self._tracks: dict[int, StoreTrack] = {}
        self._playlists: dict[int, tuple[str, tuple[Row, ...]]] = {}
        for one in store_tracks(_STORE):
            self.add(one)
        demo = tuple(self._tracks.values())
        self.add_playlist(DEMO_PLAYLIST, "Soundalike demo", demo)
        self.add_playlist(AWKWARD_PLAYLIST, "Awkward on purpose", _awkward(demo))

    def add(self, track: StoreTrack) -> None:
        """Put a track on the shelf, or another in place of the one with its key."""
        self._tracks[track.key] = track

    def add_playlist(self, key: int, title: str, rows: tuple[Row, ...]) -> None:
        """Put a playlist on the shelf, with those of its tracks that are not there."""
        self._playlists[key] = (title, rows)
        for row in rows:
            if row is not None:
                self._tracks.setdefault(row.key, row)

    def track(self, key: int) -> StoreTrack | None:
        """Return the track with an id; a tombstone's track is gone."""
        if key in self._tracks:
            return self._tracks[key] if self._tracks[key].title else None
        found = generated_by_key(_STORE, key)
        return None if found is None else _deezer_listing(*found)

    def by_isrc(self, isrc: str) -> StoreTrack | None:
        """Return the track that Deezer names for an ISRC, the right one or not; case does not matter."""
        for one in self._tracks.values():
            if one.isrc.upper() == isrc.upper() and one.title:
                return one
        found = generated_by_isrc(_STORE, isrc.upper())
        if found is None:
            return None
        number, one = found
        match availability(number):
            case Availability.BY_ISRC | Availability.WITHOUT_PREVIEW:
                return _deezer_listing(number, one)
            case Availability.WRONG_ISRC:
                other = store_track(_STORE, generated_track((number + 7) % MAX_GENERATED))
                return replace(other, isrc=one.isrc, title="Concrete Summer", artist="Somebody Else", contributors=())
            case _:
                return None

    def search(self, query: str) -> list[StoreTrack]:
        """Return the tracks for a query: `artist:"…" track:"…"`, or words that all stand in artist and title."""
        fields = dict(_FIELD.findall(query))
        if fields:
            artist, title = words(fields.get("artist", "")), words(fields.get("track", ""))
        else:
            artist, title = [], words(query)
        found = generated_by_words(_STORE, " ".join(title))
        if found is not None:
            number, _ = found
            listed = _deezer_listing(*found)
            hidden = bool(fields) and availability(number) is Availability.BY_WORDS
            return [] if listed is None or hidden else [listed]
        return [
            one
            for one in self._tracks.values()
            if one.title
            and set(artist) <= set(words(one.artist))
            and set(title) <= _searchable_words(one, with_artist=not fields)
        ]

    def playlist(self, key: int) -> tuple[str, str, tuple[Row, ...]] | None:
        """Return title, checksum and rows of a playlist."""
        known = self._playlists.get(key)
        count = key - GENERATED_PLAYLISTS
        if known is None and 0 <= count <= MAX_GENERATED:
            rows = (_deezer_listing(n, store_track(_STORE, generated_track(n))) for n in range(count))
            known = (f"{count} generated tracks", tuple(row for row in rows if row is not None))
        if known is None:
            return None
        title, rows_known = known
        return title, digest("checksum", title, rows_known)[:32], rows_known

    def album(self, key: int) -> tuple[str, str, list[StoreTrack]] | None:
        """Return title, artist and tracks of an album."""
        tracks = [one for one in self._tracks.values() if album_key(one) == key]
        return (tracks[0].album, tracks[0].artist, tracks) if tracks else None

    def artist(self, key: int) -> tuple[str, list[StoreTrack]] | None:
        """Return the name of an artist and the tracks, the most played first."""
        tracks = [one for one in self._tracks.values() if artist_key(one.artist) == key and one.title]
        return (tracks[0].artist, tracks) if tracks else None


def album_key(track: StoreTrack) -> int:
    """Return the id of a track's album."""
    return numeric_id(_STORE, "album", track.artist, track.album)


def artist_key(name: str) -> int:
    """Return the id of an artist."""
    return numeric_id(_STORE, "artist", name)


def _deezer_listing(number: int, track: StoreTrack) -> StoreTrack | None:
    match availability(number):
        case Availability.ITUNES_ONLY | Availability.NOWHERE:
            return None
        case Availability.WITHOUT_PREVIEW:
            return replace(track, preview=False, readable=False)
        case Availability.BY_ISRC:
            return track
        case _:
            return replace(track, isrc=f"ZZDEE{number:07d}")


def _searchable_words(track: StoreTrack, *, with_artist: bool) -> set[str]:
    return {*words(track.title), *words(track.version), *(words(track.artist) if with_artist else ())}


def _awkward(demo: tuple[StoreTrack, ...]) -> tuple[Row, ...]:
    """Return a track, null, a tombstone, one without preview, one not readable, a lower-case ISRC, the first again."""
    plain, unheard, closed, lower = demo[0], demo[8], demo[16], demo[24]
    return (
        plain,
        None,
        replace(
            demo[32], key=numeric_id("tombstone"), title="", artist="", contributors=(), milliseconds=0, preview=False
        ),
        replace(unheard, key=numeric_id("unheard"), preview=False),
        replace(closed, key=numeric_id("closed"), readable=False),
        replace(lower, key=numeric_id("lower"), isrc=lower.isrc.lower()),
        plain,
    )
