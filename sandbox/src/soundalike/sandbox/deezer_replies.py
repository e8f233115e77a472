"""Deezer's JSON objects, with the keys of recorded replies; their links lead to the sandbox."""

from dataclasses import dataclass
from typing import Any

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.deezer_catalogue import Row, album_key, artist_key
from soundalike.sandbox.signed_urls import Signer
from soundalike.sandbox.store_catalogues import StoreTrack

Reply = dict[str, Any]


@dataclass(frozen=True)
class DeezerReplies:
    """Builds replies whose URLs begin with `base`, the address of the sandbox's Deezer with a slash at its end."""

    base: str
    signer: Signer

    def track(self, track: StoreTrack) -> Reply:
        """Return the track object of `/track/{id}`."""
        return {
            **self.common_fields(track),
            "isrc": track.isrc,
            "share": self._page("track", track.key),
            "track_position": 1,
            "disk_number": 1,
            "release_date": "2026-01-01",
            "bpm": 0,
            "gain": -8.0,
            "available_countries": ["DE", "FR", "GB", "US"],
            "contributors": [{**self.artist(name), "role": "Main"} for name in track.contributors],
            "track_token": "sandbox",
        }

    def row(self, row: Row, *, with_isrc: bool = False) -> Reply | None:
        """Return a row of a list; those of searches and playlists have no ISRC."""
        if row is None:
            return None
        return self.common_fields(row) | ({"isrc": row.isrc} if with_isrc else {})

    def common_fields(self, track: StoreTrack) -> Reply:
        """Return what rows and track objects have in common."""
        return {
            "id": track.key,
            "readable": track.readable,
            "title": f"{track.title} {track.version}".strip(),
            "title_short": track.title,
            "title_version": track.version,
            "link": self._page("track", track.key),
            "duration": track.milliseconds // 1000,
            "rank": 100_000,
            "explicit_lyrics": False,
            "explicit_content_lyrics": 0,
            "explicit_content_cover": 2,
            "preview": self._preview(track),
            "md5_image": digest("cover", track.album)[:32],
            "artist": self.artist(track.artist),
            "album": self.album(track.album, album_key(track)),
            "type": "track",
        }

    def artist(self, name: str) -> Reply:
        """Return an artist object."""
        key = artist_key(name)
        return {
            "id": key,
            "name": name,
            "link": self._page("artist", key),
            "tracklist": f"{self.base}artist/{key}/top?limit=50",
            "type": "artist",
        }

    def album(self, title: str, key: int) -> Reply:
        """Return the album object that a track holds."""
        return {"id": key, "title": title, "tracklist": f"{self.base}album/{key}/tracks", "type": "album"}

    def page(self, path: str, rows: list[Reply | None], total: int, index: int) -> Reply:
        """Return a page of a list that begins at `index`."""
        reply: Reply = {"data": rows, "total": total}
        if index + len(rows) < total:
            reply["next"] = f"{self.base}{path}index={index + len(rows)}"
        return reply

    def _preview(self, track: StoreTrack) -> str:
        if not track.preview:
            return ""
        name = digest("deezer preview", track.key)[:32]
        path = f"/api/1/1/{'/'.join(name[:4])}/0/{name}-{track.key}.mp3"
        return f"{self.base}preview{path}?{self.signer.token(path)}"

    def _page(self, kind: str, key: int) -> str:
        return f"{self.base}{kind}/{key}"
