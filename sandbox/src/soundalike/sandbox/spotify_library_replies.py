"""Spotify's JSON objects of a user's library and of albums; keys as in the OpenAPI description of 2026-05-30."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from soundalike.sandbox.catalogue import digest
from soundalike.sandbox.playlists import Album, Playlist, Track
from soundalike.sandbox.spotify_replies import USER, Replies, Reply

T = TypeVar("T")

_FIRST_SAVED = datetime(2026, 11, 1, tzinfo=UTC)
_ONLY_WHOLE = ("album", "external_ids", "popularity")


class LibraryReplies(Replies):
    """Builds the replies (see `Replies`)."""

    def user(self) -> Reply:
        """Return the current user."""
        return {"display_name": USER, **self.reference("user", USER), "account_id": USER, "images": []}

    def playlists(self, playlists: Sequence[Playlist], limit: int, offset: int) -> Reply:
        """Return a page of the playlists that the user owns or follows."""

        def simplified(playlist: Playlist) -> Reply:
            whole = self.playlist(playlist)
            total = {"href": f"{whole['href']}/items", "total": len(playlist.entries)}
            owner = whole["owner"] if playlist.readable else {"id": "somebody", "type": "user"}
            return {**whole, "owner": owner, "items": total, "tracks": total}

        return self._page("me/playlists", playlists, limit, offset, simplified)

    def saved_tracks(self, tracks: Sequence[Track], limit: int, offset: int) -> Reply:
        """Return a page of the tracks that the user saved."""

        def entry(track: Track) -> Reply:
            # Invented, but each track's own, so that another newest track is seen.
            added_at = _FIRST_SAVED + timedelta(minutes=int(digest("saved", track.spotify_id)[:4], 16))
            return {"added_at": f"{added_at:%Y-%m-%dT%H:%M:%SZ}", "track": self.track(track)}

        return self._page("me/tracks", tracks, limit, offset, entry)

    def whole_album(self, album: Album) -> Reply:
        """Return the album object of `GET /albums/{id}`, with its first 50 tracks."""
        return {
            **self.album(album.name, album.artist),
            "total_tracks": len(album.tracks),
            "tracks": self.album_tracks(album, 50, 0),
        }

    def album_tracks(self, album: Album, limit: int, offset: int) -> Reply:
        """Return a page of an album's tracks, which lack what only whole tracks have: ISRC and preview."""

        def simplified(track: Track) -> Reply:
            whole = {name: value for name, value in self.track(track).items() if name not in _ONLY_WHOLE}
            return {**whole, "preview_url": None}

        return self._page(f"albums/{album.spotify_id}/tracks", album.tracks, limit, offset, simplified)

    def _page(self, path: str, rows: Sequence[T], limit: int, offset: int, render: Callable[[T], Reply]) -> Reply:
        def link(start: int) -> str:
            return f"{self.base}v1/{path}?offset={start}&limit={limit}"

        items: list[Any] = [render(row) for row in rows[offset : offset + limit]]
        return {
            "href": link(offset),
            "items": items,
            "limit": limit,
            "next": link(offset + limit) if offset + limit < len(rows) else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total": len(rows),
        }
