"""A list in a file as a source; Deezer tells which track a line means where it has no id of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import DeferredEntry, SkippedEntry, TrackEntry
from soundalike.crawler.previews.provider import PreviewRequest
from soundalike.crawler.sources.track_lists.row import AmbiguousRow
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.domain.playlist_id import list_urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.crawler.entries import Entry, ResolvedEntry
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.sources.track_lists.formats import ListFile, TrackList
    from soundalike.crawler.sources.track_lists.resolver import Resolver
    from soundalike.crawler.sources.track_lists.row import TrackRow
    from soundalike.domain.track_id import TrackId

RESOLVER_DISABLED: Final = "Deezer is needed to identify the track, and it is disabled (DEEZER_TERMS_ACCEPTED)"
_LINKS: Final = {"spotify": "https://open.spotify.com/track/", "deezer": "https://www.deezer.com/track/"}


@dataclass(slots=True)
class TrackListFile:
    """The lines of a file (see `crawler.sources.source.Source`); a line's track is one of Spotify or of Deezer.

    The list is known by the file's name, so that an edited file is the same list as before, and by no path.
    """

    file: ListFile
    resolver: Resolver | None
    chain: PreviewChain
    total: int | None = field(default=None, init=False)
    _read: TrackList | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.path.name

    async def playlist(self) -> Playlist:
        """Read the file; its content is the list's version."""
        listed = await self._list()
        return Playlist(urn=list_urn(self.file.path.name), source="list", title=listed.title, snapshot_id=listed.digest)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield what stands on each line from a place on."""
        rows = (await self._list()).rows
        for position, row in enumerate(rows[start:], start):
            if isinstance(row, AmbiguousRow):
                yield SkippedEntry(position, row.label or f"entry {position + 1}", row.reason)
            elif row.id is not None:
                yield self._track_entry(position, row, _track(row, row.id))
            elif self.resolver is None:
                yield SkippedEntry(position, row.label, RESOLVER_DISABLED)
            else:
                yield self._deferred(position, row, self.resolver)

    async def _list(self) -> TrackList:
        if self._read is None:
            self._read = await asyncio.to_thread(self.file.read)
            self.total = len(self._read.rows)
        return self._read

    def _deferred(self, position: int, row: TrackRow, resolver: Resolver) -> DeferredEntry:
        async def read() -> ResolvedEntry:
            answer = await resolver.resolve(row)
            if isinstance(answer, str):
                return SkippedEntry(position, row.label, answer)
            return self._track_entry(position, row, answer.track, answer.preview_url)

        return DeferredEntry(position, row.label, read)

    def _track_entry(self, position: int, row: TrackRow, track: Track, preview_url: str | None = None) -> TrackEntry:
        return TrackEntry(
            position,
            row.label,
            track,
            self.chain.offer(PreviewRequest(track, preview_url, source_names_previews=False)),
        )


def _track(row: TrackRow, identity: TrackId) -> Track:
    return Track(
        id=identity,
        title=row.title or identity.key,
        artists=row.artists,
        artist_credit=row.artists or None,
        album=row.album,
        duration_ms=None if row.seconds is None else round(row.seconds * 1000),
        isrc=row.isrc,
        link=f"{_LINKS[identity.source]}{identity.key}",
    )
