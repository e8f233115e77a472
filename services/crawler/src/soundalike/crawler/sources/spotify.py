"""Playlists, albums, single tracks and the user's own library of Spotify."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from soundalike.crawler.entries import DeferredEntry, SkippedEntry, TrackEntry
from soundalike.crawler.errors import SourceUnavailable
from soundalike.crawler.previews.provider import PreviewRequest
from soundalike.crawler.sources.spotify_address import PlaylistId
from soundalike.crawler.sources.spotify_replies import (
    NotATrack,
    parse_album,
    parse_entry,
    parse_page,
    parse_playlist,
    parse_playlist_ids,
    parse_saved,
    parse_track,
    parse_user,
    track_id_of,
)
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.db.playlists import Playlist

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from soundalike.crawler.entries import Entry, ResolvedEntry
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.sources.spotify_address import AlbumId
    from soundalike.crawler.sources.spotify_replies import ParsedEntry, TrackOnList
    from soundalike.crawler.sources.spotify_web_api import SpotifyWebApi
    from soundalike.domain.track_id import TrackId

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SpotifyPlaylist:
    """The entries of one playlist, page by page (see `crawler.sources.source.Source`)."""

    id: PlaylistId
    api: SpotifyWebApi
    chain: PreviewChain
    total: int | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The playlist's URN."""
        return self.id.urn

    async def playlist(self) -> Playlist:
        """Ask for the playlist's title and version."""
        reply = parse_playlist(await self.api.playlist(self.id.key))
        return Playlist(urn=self.id.urn, source="spotify", title=reply.name, snapshot_id=reply.snapshot_id)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield what stands at each place of the playlist from `start` on."""
        async for position, body in _read_pages(self, lambda offset: self.api.page(self.id.key, offset), start):
            yield create_entry(position, parse_entry(body), self.chain)


@dataclass(slots=True)
class SavedTracks:
    """The tracks that the user saved, the latest first (see `crawler.sources.source.Source`)."""

    api: SpotifyWebApi
    chain: PreviewChain
    total: int | None = field(default=None, init=False)
    name: str = field(default="the saved tracks", init=False)

    async def playlist(self) -> Playlist:
        """Ask whose they are, and for their version."""
        user = parse_user(await self.api.user())
        saved = parse_saved(await self.api.saved_page(0, limit=1))
        self.name = f"spotify:user:{user.id}:collection"
        return Playlist(urn=self.name, source="spotify", title="Saved tracks", snapshot_id=saved.version)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield what was saved, from place `start` on."""
        async for position, body in _read_pages(self, self.api.saved_page, start):
            yield create_entry(position, parse_entry(body), self.chain)


@dataclass(slots=True)
class SpotifyAlbum:
    """The tracks of an album (see `crawler.sources.source.Source`).

    An album lists its tracks without ISRC, and asking for several at once is over since 2026: each takes a request.
    """

    id: AlbumId
    api: SpotifyWebApi
    chain: PreviewChain
    total: int | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The album's URN."""
        return self.id.urn

    async def playlist(self) -> Playlist:
        """Ask for the album's title; its version is which tracks it begins with."""
        reply = parse_album(await self.api.album(self.id.key))
        listed = "\n".join(str(track_id_of(body)) for body in reply.tracks.items)
        version = f"{reply.total_tracks} {hashlib.sha256(listed.encode()).hexdigest()[:32]}"
        return Playlist(urn=self.id.urn, source="spotify", title=reply.title, snapshot_id=version)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield the tracks from place `start` on."""
        async for position, body in _read_pages(self, lambda offset: self.api.album_page(self.id.key, offset), start):
            key = track_id_of(body)
            if key is None:
                yield create_entry(position, parse_entry({"track": body}), self.chain)
            else:
                yield DeferredEntry(position, f"track {position + 1}", partial(self._read, position, key))

    async def _read(self, position: int, key: str) -> ResolvedEntry:
        return create_entry(position, parse_track(await self.api.track(key)), self.chain)


@dataclass(slots=True)
class SpotifyTrack:
    """A single track (see `crawler.sources.source.Source`)."""

    id: TrackId
    api: SpotifyWebApi
    chain: PreviewChain
    total: int | None = field(default=1, init=False)

    @property
    def name(self) -> str:
        """The track's URN."""
        return self.id.urn

    async def playlist(self) -> None:
        """Return nothing: one track is no playlist."""

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:  # noqa: ARG002 - one track has no middle
        """Yield the track."""
        yield create_entry(0, parse_track(await self.api.track(self.id.key)), self.chain)


async def playlists_of_user(api: SpotifyWebApi) -> list[PlaylistId]:
    """List the playlists that the user owns or follows; raises `ServiceError`."""
    playlists: list[PlaylistId] = []
    offset, total = 0, None
    while total is None or offset < total:
        keys, total = parse_playlist_ids(await api.playlists_page(offset))
        playlists += [PlaylistId(key) for key in keys]
        offset += PAGE_SIZE
    return playlists


async def _read_pages(
    source: _HasTotal, get_page: Callable[[int], Awaitable[Any]], start: int
) -> AsyncIterator[tuple[int, Any]]:
    """Yield position and JSON of each entry from `start` on, telling the source how many there are."""
    offset = start
    while source.total is None or offset < source.total:
        page = parse_page(await get_page(offset))
        source.total = page.total
        for body in page.items:
            yield offset, body
            offset += 1
        if not page.items and offset < page.total:
            raise SourceUnavailable(f"Spotify announced {page.total} entries but returned only {offset}")


def create_entry(position: int, parsed: ParsedEntry, chain: PreviewChain) -> TrackEntry | SkippedEntry:
    """Turn what was parsed into an entry of a crawl."""
    if isinstance(parsed, NotATrack):
        if parsed.detail:
            log.warning("entry %d: %s (%s)", position + 1, parsed.reason, parsed.detail)
        return SkippedEntry(position, parsed.label or f"entry {position + 1}", parsed.reason)
    return TrackEntry(
        position, _label(parsed), parsed.track, chain.offer(PreviewRequest(parsed.track, parsed.preview_url))
    )


class _HasTotal(Protocol):
    total: int | None


def _label(track: TrackOnList) -> str:
    return f"{', '.join(track.track.artists)} - {track.track.title}".removeprefix(" - ")
