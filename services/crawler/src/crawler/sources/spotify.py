"""Playlists and single tracks of Spotify."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from catalog.playlists import Playlist
from crawler.entries import Found, NoPreview, Skipped
from crawler.errors import SourceUnavailable
from crawler.sources.spotify_replies import NotATrack, parse_entry, parse_page, parse_playlist, parse_track

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalog.track_id import TrackId
    from crawler.downloading import Downloader
    from crawler.entries import Entry, Preview
    from crawler.sources.spotify_address import PlaylistId
    from crawler.sources.spotify_replies import Listed, ListedTrack
    from crawler.sources.spotify_web_api import SpotifyWebApi

log = logging.getLogger(__name__)

NOT_OFFERED: Final = "Spotify offers no preview"
"""Apps made since November 2024 hear this of every track."""


@dataclass(frozen=True, slots=True)
class PreviewAddress:
    """A preview at the address that Spotify gave."""

    url: str
    downloader: Downloader
    provider: str = "spotify"
    method: str = "preview_url"

    async def fetch(self) -> Preview:
        """Get the preview (see `crawler.entries.Offer`)."""
        return await self.downloader.fetch(self.url)


@dataclass(slots=True)
class SpotifyPlaylist:
    """The entries of one playlist, page by page (see `crawler.sources.source.Source`)."""

    id: PlaylistId
    api: SpotifyWebApi
    downloader: Downloader
    total: int | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The playlist's URN."""
        return self.id.urn

    async def playlist(self) -> Playlist:
        """Ask for the playlist's title and version."""
        reply = parse_playlist(await self.api.playlist(self.id.key))
        return Playlist(urn=self.id.urn, source="spotify", title=reply.name, snapshot_id=reply.snapshot_id)

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield what stands at each place of the playlist."""
        offset = 0
        while self.total is None or offset < self.total:
            page = parse_page(await self.api.page(self.id.key, offset))
            self.total = page.total
            for body in page.items:
                yield entry_of(offset, parse_entry(body), self.downloader)
                offset += 1
            if not page.items and offset < page.total:
                raise SourceUnavailable(f"Spotify announced {page.total} entries and gave only {offset}")


@dataclass(slots=True)
class SpotifyTrack:
    """A single track (see `crawler.sources.source.Source`)."""

    id: TrackId
    api: SpotifyWebApi
    downloader: Downloader
    total: int | None = field(default=1, init=False)

    @property
    def name(self) -> str:
        """The track's URN."""
        return self.id.urn

    async def playlist(self) -> None:
        """Return nothing: one track is no playlist."""

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield the track."""
        yield entry_of(0, parse_track(await self.api.track(self.id.key)), self.downloader)


def entry_of(position: int, listed: Listed, downloader: Downloader) -> Entry:
    """Turn what was parsed into an entry of a crawl."""
    if isinstance(listed, NotATrack):
        if listed.detail:
            log.warning("entry %d: %s (%s)", position + 1, listed.reason, listed.detail)
        return Skipped(position, listed.label or f"entry {position + 1}", listed.reason)
    if listed.preview_url is None:
        return NoPreview(position, _label(listed), listed.track, NOT_OFFERED)
    return Found(position, _label(listed), listed.track, PreviewAddress(listed.preview_url, downloader))


def _label(listed: ListedTrack) -> str:
    return f"{', '.join(listed.track.artists)} - {listed.track.title}".removeprefix(" - ")
