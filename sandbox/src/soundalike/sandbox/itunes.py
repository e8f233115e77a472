"""The part of the iTunes Search API that we use; too many requests get 403 without a body, as from Apple."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from soundalike.sandbox.aac import as_m4a
from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.composer import Previews
from soundalike.sandbox.quota import Quota
from soundalike.sandbox.store_catalogues import (
    Availability,
    StoreTrack,
    availability,
    generated_by_key,
    generated_by_words,
    numeric_id,
    store_tracks,
    words,
)

Reply = dict[str, Any]

_STORE: Final = "itunes"
_MAX_ROWS: Final = 200
_DEFAULT_ROWS: Final = 50


@dataclass
class ITunes:
    """The songs by id, and the quota (None: no limit); generated tracks exist besides."""

    songs: dict[int, StoreTrack] = field(default_factory=lambda: {track.key: track for track in store_tracks(_STORE)})
    quota: Quota | None = field(default_factory=lambda: Quota(20, 60.0))
    _encodings: dict[int, bytes] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def add(self, song: StoreTrack) -> None:
        """Add a song."""
        self.songs[song.key] = song

    def song(self, key: int) -> StoreTrack | None:
        """Return the song with an id."""
        if key in self.songs:
            return self.songs[key]
        return _available_song(generated_by_key(_STORE, key))

    def search(self, term: str) -> list[StoreTrack]:
        """Return the songs that have all words in artist and title; with a generated one comes its DJ mix."""
        query = words(term)
        generated = _available_song(generated_by_words(_STORE, " ".join(query)))
        if generated is not None:
            dj_mix = replace(generated, key=generated.key + 10**9, title=f"{generated.title} (Mixed)")
            return [dj_mix, generated]
        return [song for song in self.songs.values() if set(query) <= {*words(song.artist), *words(song.title)}]

    def audio(self, song: StoreTrack, previews: Previews) -> bytes:
        """Return a song's preview as an M4A file, encoded once."""
        mp3 = previews.mp3(song.piece)
        with self._lock:
            if song.key not in self._encodings:
                self._encodings[song.key] = as_m4a(mp3, song.title)
            return self._encodings[song.key]


def itunes_api(itunes: ITunes, previews: Previews) -> APIRouter:
    """Return the routes below `/itunes`."""
    router = APIRouter(prefix="/itunes")

    @router.get("/search")
    def search(request: Request) -> Response:
        options = request.query_params
        songs = itunes.search(options.get("term", "")) if options.get("entity", "song") == "song" else []
        limit = options.get("limit", "")
        page = songs[: min(int(limit), _MAX_ROWS) if limit.isdecimal() else _DEFAULT_ROWS]
        return _within_quota(itunes, [_row(request, song) for song in page])

    @router.get("/lookup")
    def lookup(request: Request) -> Response:
        key = request.query_params.get("id", "")
        song = itunes.song(int(key)) if key.isdecimal() else None
        return _within_quota(itunes, [] if song is None else [_row(request, song)])

    @router.get("/preview/{name}.m4a")
    def preview(name: str) -> Response:
        key = name.rpartition("-")[2]
        song = itunes.song(int(key)) if key.isdecimal() and len(key) < 19 else None
        if song is None:
            return Response("", 404)
        return Response(itunes.audio(song, previews), media_type="audio/x-m4a")

    return router


def _available_song(numbered: tuple[int, StoreTrack] | None) -> StoreTrack | None:
    if numbered is None or availability(numbered[0]) is Availability.NOWHERE:
        return None
    return numbered[1]


def _within_quota(itunes: ITunes, rows: list[Reply]) -> Response:
    if itunes.quota is not None and not itunes.quota.take():
        return Response(b"", 403, {"Cache-Control": "max-age=0, no-cache, no-store"})
    body = {"resultCount": len(rows), "results": rows}
    return JSONResponse(body, media_type="text/javascript; charset=utf-8")


def _row(request: Request, song: StoreTrack) -> Reply:
    base = f"{request.base_url}itunes/"
    album, artist = numeric_id(_STORE, "album", song.album), numeric_id(_STORE, "artist", song.artist)
    row: Reply = {
        "wrapperType": "track",
        "kind": "song",
        "artistId": artist,
        "collectionId": album,
        "trackId": song.key,
        "artistName": song.artist,
        "collectionName": song.album,
        "trackName": song.title,
        "collectionCensoredName": song.album,
        "trackCensoredName": song.title,
        "artistViewUrl": f"{base}artist/{artist}",
        "collectionViewUrl": f"{base}album/{album}",
        "trackViewUrl": f"{base}album/{album}?i={song.key}",
        "releaseDate": "2026-01-01T12:00:00Z",
        "collectionExplicitness": "notExplicit",
        "trackExplicitness": "notExplicit",
        "discCount": 1,
        "discNumber": 1,
        "trackCount": 2,
        "trackNumber": 1,
        "trackTimeMillis": song.milliseconds,
        "country": "USA",
        "currency": "USD",
        "primaryGenreName": "Electronic",
        "isStreamable": song.readable,
    }
    if song.preview:
        row["previewUrl"] = f"{base}preview/mzaf_{digest('itunes preview', song.key)[:19]}-{song.key}.m4a"
    return row
