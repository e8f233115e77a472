"""Playlists, albums, artists' top tracks and single tracks of Deezer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import DeferredEntry, SkippedEntry, TrackEntry
from soundalike.crawler.errors import SourceRefused, SourceUnavailable
from soundalike.crawler.previews.provider import PreviewRequest
from soundalike.crawler.services.deezer_replies import NotATrack, parse_track
from soundalike.db.playlists import Playlist

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from typing import Any, TypeVar

    from soundalike.crawler.entries import Entry, ResolvedEntry
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.crawler.services.deezer_replies import DeezerTrack
    from soundalike.crawler.sources.deezer_address import DeezerTarget

    T = TypeVar("T")

_LISTS: Final = {"playlist": "tracks", "album": "tracks", "artist": "top"}


@dataclass(slots=True)
class DeezerList:
    """The tracks of one list of Deezer, page by page (see `crawler.sources.source.Source`)."""

    target: DeezerTarget
    api: DeezerApi
    chain: PreviewChain
    total: int | None = field(default=None, init=False)
    _album: str | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The list's URN."""
        return self.target.urn

    async def playlist(self) -> Playlist | None:
        """Ask for the list's title and, for a playlist, its version; nothing for a single track."""
        match self.target.kind:
            case "playlist":
                parsed = await self._answer(self.api.playlist(self.target.key))
                title, snapshot = parsed.title, parsed.checksum
            case "album":
                title, snapshot = (await self._answer(self.api.album(self.target.key))).title, None
                self._album = title
            case "artist":
                title, snapshot = f"{(await self._answer(self.api.artist(self.target.key))).name}: top tracks", None
            case _:
                return None
        return Playlist(urn=self.target.urn, source="deezer", title=title, snapshot_id=snapshot)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield the tracks from a place on."""
        if self.target.kind == "track":
            self.total = 1
            if start == 0:
                yield DeferredEntry(0, self.name, self._single_track)
            return
        index = start
        while self.total is None or index < self.total:
            rows, more = await self._page(index)
            for row in rows:
                yield self._entry(index, row)
                index += 1
            if not rows or (self.total is None and not more):
                break
        if self.total is not None and index < self.total:
            raise SourceUnavailable(f"Deezer announced {self.total} tracks but returned only {index}")
        self.total = index if self.total is None else self.total

    async def _page(self, index: int) -> tuple[list[Any], bool]:
        path = f"{self.target.kind}/{self.target.key}/{_LISTS[self.target.kind]}"
        page = await self._answer(self.api.page(path, index))
        self.total = page.total if page.total is not None else self.total
        return page.data, page.next is not None

    def _entry(self, position: int, row: Any) -> Entry:
        parsed = parse_track(row)
        if isinstance(parsed, NotATrack):
            return SkippedEntry(position, parsed.label or f"entry {position + 1}", parsed.reason)
        if parsed.track.album is None and self._album is not None:
            parsed = replace(parsed, track=replace(parsed.track, album=self._album))
        return self._track_entry(position, parsed)

    def _track_entry(self, position: int, parsed: DeezerTrack) -> TrackEntry:
        track = parsed.track
        label = f"{', '.join(track.artists)} - {track.title}".removeprefix(" - ")
        return TrackEntry(position, label, track, self.chain.offer(PreviewRequest(track, parsed.preview_url)))

    async def _single_track(self) -> ResolvedEntry:
        return self._track_entry(0, await self._answer(self.api.track(self.target.key)))

    async def _answer(self, request: Awaitable[T | None]) -> T:
        answer = await request
        if answer is None:
            raise SourceRefused(f"Deezer has no {self.target.kind} {self.target.key}, or it is not public")
        return answer
