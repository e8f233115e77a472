"""Deezer's JSON objects, with the keys of recorded replies; their links lead to the sandbox."""

from dataclasses import dataclass
from typing import Any

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.deezer_catalogue import Row, album_key, artist_key
from soundalike.sandbox.signed_urls import Signer
from soundalike.sandbox.store_catalogues import ShopTrack

Reply = dict[str, Any]


@dataclass(frozen=True)
class DeezerReplies:
    """Builds replies whose URLs begin with `base`, the address of the sandbox's Deezer with a slash at its end."""

    base: str
    signer: Signer

    def track(self, one: ShopTrack) -> Reply:
        """Return the track object of `/track/{id}`."""
        return {
            **self.listed(one),
            "isrc": one.isrc,
            "share": self._page("track", one.key),
            "track_position": 1,
            "disk_number": 1,
            "release_date": "2026-01-01",
            "bpm": 0,
            "gain": -8.0,
            "available_countries": ["DE", "FR", "GB", "US"],
            "contributors": [{**self.artist(name), "role": "Main"} for name in one.contributors],
            "track_token": "sandbox",
        }

    def row(self, one: Row, *, with_isrc: bool = False) -> Reply | None:
        """Return a row of a list; those of searches and playlists have no ISRC."""
        if one is None:
            return None
        return self.listed(one) | ({"isrc": one.isrc} if with_isrc else {})

    def listed(self, one: ShopTrack) -> Reply:
        """Return what rows and track objects have in common."""
        return {
            "id": one.key,
            "readable": one.readable,
            "title": f"{one.title} {one.version}".strip(),
            "title_short": one.title,
            "title_version": one.version,
            "link": self._page("track", one.key),
            "duration": one.milliseconds // 1000,
            "rank": 100_000,
            "explicit_lyrics": False,
            "explicit_content_lyrics": 0,
            "explicit_content_cover": 2,
            "preview": self._preview(one),
            "md5_image": digest("cover", one.album)[:32],
            "artist": self.artist(one.artist),
            "album": self.album(one.album, album_key(one)),
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
        """Return an album object as it stands in a track."""
        return {"id": key, "title": title, "tracklist": f"{self.base}album/{key}/tracks", "type": "album"}

    def page(self, path: str, rows: list[Reply | None], total: int, index: int) -> Reply:
        """Return a page of a list that begins at `index`."""
        reply: Reply = {"data": rows, "total": total}
        if index + len(rows) < total:
            reply["next"] = f"{self.base}{path}index={index + len(rows)}"
        return reply

    def _preview(self, one: ShopTrack) -> str:
        if not one.preview:
            return ""
        name = digest("deezer preview", one.key)[:32]
        path = f"/api/1/1/{'/'.join(name[:4])}/0/{name}-{one.key}.mp3"
        return f"{self.base}preview{path}?{self.signer.token(path)}"

    def _page(self, kind: str, key: int) -> str:
        return f"{self.base}{kind}/{key}"
