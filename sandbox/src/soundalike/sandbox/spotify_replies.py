"""Spotify's JSON objects, in the forms of 2026 and before.

The keys are those of recorded replies. One thing differs on purpose: links to Spotify's pages lead to the sandbox,
which plays the track.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from soundalike.sandbox.catalogue import spotify_id
from soundalike.sandbox.playlists import Entry, Episode, LocalFile, Playlist, Tombstone, Track
from soundalike.sandbox.settings import PageShape

Reply = dict[str, Any]

USER = "soundalike-sandbox"
"""Id of the user whose playlists these are."""


@dataclass(frozen=True)
class Replies:
    """Builds replies whose URLs begin with `base`, the address the client used, with a slash at its end.

    Without `offer_previews` no track has a preview, as for every app made since November 2024.
    """

    base: str
    shape: PageShape
    offer_previews: bool = True

    def track(self, track: Track) -> Reply:
        """Return the track object of `GET /tracks/{id}`."""
        reply = {
            "album": self.album(track.album, track.artist),
            "artists": [self.artist(track.artist)],
            "available_markets": ["DE", "GB", "NL", "US"],
            "disc_number": 1,
            "duration_ms": track.duration_ms,
            "explicit": False,
            "external_ids": {"isrc": track.isrc},
            **self.reference("track", track.spotify_id),
            "is_local": False,
            "name": track.title,
            "popularity": 0,
            "preview_url": self._preview(track),
            "track_number": 1,
        }
        if track.linked_from is not None:
            reply["linked_from"] = self.reference("track", track.linked_from)
            reply["is_playable"] = True
        return reply

    def _preview(self, track: Track) -> str | None:
        if not self.offer_previews:
            return None
        return f"{self.base}mp3-preview/{track.preview}" if track.preview else track.preview

    def playlist(self, playlist: Playlist) -> Reply:
        """Return the playlist object: metadata, and the first 100 entries if they may be read."""
        reply = {
            "collaborative": False,
            "description": "Music composed by the sandbox",
            **self.reference("playlist", playlist.spotify_id),
            "followers": {"href": None, "total": 0},
            "images": [],
            "name": playlist.name,
            "owner": {"display_name": USER, **self.reference("user", USER)},
            "primary_color": None,
            "public": True,
            "snapshot_id": playlist.snapshot_id,
        }
        if playlist.readable:
            if self.shape is PageShape.ITEM_AND_TRACK:
                reply["items"] = self.page(playlist, "items", 100, 0, {})
            reply["tracks"] = self.page(playlist, "tracks", 100, 0, {})
        return reply

    def page(self, playlist: Playlist, resource: str, limit: int, offset: int, options: dict[str, str]) -> Reply:
        """Return a page of entries; `options` are the query parameters that `next` and `previous` carry on."""
        total = len(playlist.entries)
        episodes = "episode" in options.get("additional_types", "track,episode").split(",")

        def link(start: int) -> str:
            query = urlencode({"offset": start, "limit": limit, **options})
            return f"{self.base}v1/playlists/{playlist.spotify_id}/{resource}?{query}"

        return {
            "href": link(offset),
            "items": [self._entry(entry, episodes) for entry in playlist.entries[offset : offset + limit]],
            "limit": limit,
            "next": link(offset + limit) if offset + limit < total else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total": total,
        }

    def _entry(self, entry: Entry, episodes: bool) -> Reply:
        if isinstance(entry, Episode) and not episodes:
            entry = None
        content = self._content(entry)
        user = self.reference("user", USER if entry is not None else "")
        reply = {
            "added_at": "2026-11-21T12:00:00Z",
            "added_by": user,
            "is_local": isinstance(entry, LocalFile),
            "primary_color": None,
            "track": content,
        }
        if self.shape is PageShape.ITEM_AND_TRACK:
            reply["item"] = content
        reply["video_thumbnail"] = {"url": None}
        return reply

    def _content(self, entry: Entry) -> Reply | None:
        match entry:
            case Track():
                return {**self.track(entry), "episode": False, "track": True}
            case LocalFile():
                return self._local_file(entry)
            case Episode():
                return self._episode(entry)
            case Tombstone():
                return self._tombstone(entry)
            case None:
                return None

    def _local_file(self, entry: LocalFile) -> Reply:
        names = ":".join(quote_plus(name) for name in (entry.artist, entry.album, entry.title))
        nowhere: Reply = {"external_urls": {}, "href": None, "id": None, "uri": None}
        return {
            "album": {
                "album_type": None,
                "artists": [],
                "available_markets": [],
                **nowhere,
                "images": [],
                "name": entry.album,
                "release_date": None,
                "release_date_precision": None,
                "type": "album",
            },
            "artists": [{**nowhere, "name": entry.artist, "type": "artist"}],
            "available_markets": [],
            "disc_number": 0,
            "duration_ms": entry.seconds * 1000,
            "explicit": False,
            "external_ids": {},
            "external_urls": {},
            "href": None,
            "id": None,
            "is_local": True,
            "name": entry.title,
            "popularity": 0,
            "preview_url": None,
            "track_number": 0,
            "type": "track",
            "uri": f"spotify:local:{names}:{entry.seconds}",
        }

    def _episode(self, entry: Episode) -> Reply:
        show = spotify_id("show", entry.show)
        return {
            "audio_preview_url": None,
            "description": "",
            "duration_ms": 1_800_000,
            "episode": True,
            "explicit": False,
            **self.reference("episode", entry.spotify_id),
            "html_description": "",
            "images": [],
            "is_externally_hosted": False,
            "is_playable": True,
            "language": "en",
            "languages": ["en"],
            "name": entry.title,
            "release_date": "2026-01-01",
            "release_date_precision": "day",
            "show": {"name": entry.show, "publisher": USER, **self.reference("show", show)},
            "track": False,
        }

    def _tombstone(self, entry: Tombstone) -> Reply:
        artist = {**self.reference("artist", spotify_id("artist", "")), "name": ""}
        return {
            "album": {**self.album("", ""), "artists": [artist], "release_date": None, "total_tracks": 0},
            "artists": [artist],
            "available_markets": [],
            "disc_number": 0,
            "duration_ms": 0,
            "episode": False,
            "explicit": False,
            "external_ids": {},
            **self.reference("track", entry.spotify_id),
            "is_local": False,
            "name": "",
            "popularity": 0,
            "preview_url": None,
            "track": True,
            "track_number": 0,
        }

    def album(self, name: str, artist: str) -> Reply:
        """Return the album object that a track holds."""
        return {
            "album_type": "album",
            "artists": [self.artist(artist)],
            "available_markets": ["DE", "GB", "NL", "US"],
            **self.reference("album", spotify_id("album", artist, name)),
            "images": [],
            "name": name,
            "release_date": "2026-01-01",
            "release_date_precision": "day",
            "total_tracks": 2,
        }

    def artist(self, name: str) -> Reply:
        """Return the artist object that a track holds."""
        return {**self.reference("artist", spotify_id("artist", name)), "name": name}

    def reference(self, kind: str, key: str) -> Reply:
        """Return the five keys by which every object names itself."""
        return {
            "external_urls": {"spotify": f"{self.base}{kind}/{key}"},
            "href": f"{self.base}v1/{kind}s/{key}",
            "id": key,
            "type": kind,
            "uri": f"spotify:{kind}:{key}",
        }
