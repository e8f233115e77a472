"""What the sandbox's Deezer has, by id, by ISRC and by words."""

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
_FIELD: Final = re.compile(r'\b(\w+):"([^"]*)"')

Row = StoreTrack | None
"""None is the null in place of a deleted track."""


class DeezerCatalogue:
    """Tracks, playlists, albums and artists."""

    def __init__(self) -> None:
        self._tracks: dict[int, StoreTrack] = {}
        self._playlists: dict[int, tuple[str, tuple[Row, ...]]] = {}
        for track in store_tracks(_STORE):
            self.add(track)
        demo = tuple(self._tracks.values())
        self.add_playlist(DEMO_PLAYLIST, "Soundalike demo", demo)
        self.add_playlist(AWKWARD_PLAYLIST, "Awkward on purpose", _awkward(demo))

    def add(self, track: StoreTrack) -> None:
        """Add a track, or replace the one with its key."""
        self._tracks[track.key] = track

    def add_playlist(self, key: int, title: str, rows: tuple[Row, ...]) -> None:
        """Add a playlist, with those of its tracks that are missing."""
        self._playlists[key] = (title, rows)
        for row in rows:
            if row is not None:
                self._tracks.setdefault(row.key, row)

    def track(self, key: int) -> StoreTrack | None:
        """Return the track with an id; None for a tombstone."""
        if key in self._tracks:
            return self._tracks[key] if self._tracks[key].title else None
        numbered = generated_by_key(_STORE, key)
        return None if numbered is None else _deezer_listing(*numbered)

    def by_isrc(self, isrc: str) -> StoreTrack | None:
        """Return the track that Deezer names for an ISRC, correctly or not; case does not matter."""
        for track in self._tracks.values():
            if track.isrc.upper() == isrc.upper() and track.title:
                return track
        numbered = generated_by_isrc(_STORE, isrc.upper())
        if numbered is None:
            return None
        number, track = numbered
        match availability(number):
            case Availability.BY_ISRC | Availability.WITHOUT_PREVIEW:
                return _deezer_listing(number, track)
            case Availability.WRONG_ISRC:
                other = store_track(_STORE, generated_track((number + 7) % MAX_GENERATED))
                return replace(other, isrc=track.isrc, title="Concrete Summer", artist="Somebody Else", contributors=())
            case _:
                return None

    def search(self, query: str) -> list[StoreTrack]:
        """Return the tracks for a query: `artist:"…" track:"…"`, or words that all stand in artist and title."""
        fields = dict(_FIELD.findall(query))
        if fields:
            artist, title = words(fields.get("artist", "")), words(fields.get("track", ""))
        else:
            artist, title = [], words(query)
        numbered = generated_by_words(_STORE, " ".join(title))
        if numbered is not None:
            number, _ = numbered
            listing = _deezer_listing(*numbered)
            hidden = bool(fields) and availability(number) is Availability.BY_WORDS
            return [] if listing is None or hidden else [listing]
        return [
            track
            for track in self._tracks.values()
            if track.title
            and set(artist) <= set(words(track.artist))
            and set(title) <= _searchable_words(track, with_artist=not fields)
        ]

    def playlist(self, key: int) -> tuple[str, str, tuple[Row, ...]] | None:
        """Return title, checksum and rows of a playlist."""
        playlist = self._playlists.get(key)
        count = key - GENERATED_PLAYLISTS
        if playlist is None and 0 <= count <= MAX_GENERATED:
            listings = (_deezer_listing(n, store_track(_STORE, generated_track(n))) for n in range(count))
            playlist = (f"{count} generated tracks", tuple(listing for listing in listings if listing is not None))
        if playlist is None:
            return None
        title, rows = playlist
        return title, digest("checksum", title, rows)[:32], rows

    def album(self, key: int) -> tuple[str, str, list[StoreTrack]] | None:
        """Return title, artist and tracks of an album."""
        tracks = [track for track in self._tracks.values() if album_key(track) == key]
        return (tracks[0].album, tracks[0].artist, tracks) if tracks else None

    def artist(self, key: int) -> tuple[str, list[StoreTrack]] | None:
        """Return the name of an artist and the tracks, the most played first."""
        tracks = [track for track in self._tracks.values() if artist_key(track.artist) == key and track.title]
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
    """Return a track, null, a tombstone, one without preview, one unreadable, a lower-case ISRC, the first again."""
    plain, without_preview, unreadable, lower_case = demo[0], demo[8], demo[16], demo[24]
    return (
        plain,
        None,
        replace(
            demo[32], key=numeric_id("tombstone"), title="", artist="", contributors=(), milliseconds=0, preview=False
        ),
        replace(without_preview, key=numeric_id("unheard"), preview=False),
        replace(unreadable, key=numeric_id("closed"), readable=False),
        replace(lower_case, key=numeric_id("lower"), isrc=lower_case.isrc.lower()),
        plain,
    )
