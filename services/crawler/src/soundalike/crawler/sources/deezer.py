"""Playlists, albums, artists' top tracks and single tracks of Deezer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Deferred, Found, Skipped
from soundalike.crawler.errors import QuotaSpent, ServiceRefused, ServiceUnavailable, SourceRefused, SourceUnavailable
from soundalike.crawler.previews.provider import Wanted
from soundalike.crawler.services.deezer_replies import NotATrack, parse_track
from soundalike.crawler.services.web_service import LONGEST_WAIT_S
from soundalike.db.playlists import Playlist

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from typing import Any, TypeVar

    from soundalike.crawler.entries import Entry, Settled
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
                listed = await self._asked(self.api.playlist(self.target.key))
                title, snapshot = listed.title, listed.checksum
            case "album":
                title, snapshot = (await self._asked(self.api.album(self.target.key))).title, None
                self._album = title
            case "artist":
                title, snapshot = f"{(await self._asked(self.api.artist(self.target.key))).name}: top tracks", None
            case _:
                return None
        return Playlist(urn=self.target.urn, source="deezer", title=title, snapshot_id=snapshot)

    async def entries(self, start: int = 0) -> AsyncIterator[Entry]:
        """Yield the tracks from a place on."""
        if self.target.kind == "track":
            self.total = 1
            if start == 0:
                yield Deferred(0, self.name, self._single_track)
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
            raise SourceUnavailable(f"Deezer announced {self.total} tracks and gave only {index}")
        self.total = index if self.total is None else self.total

    async def _page(self, index: int) -> tuple[list[Any], bool]:
        path = f"{self.target.kind}/{self.target.key}/{_LISTS[self.target.kind]}"
        page = await self._asked(self.api.page(path, index))
        self.total = page.total if page.total is not None else self.total
        return page.data, page.next is not None

    def _entry(self, position: int, row: Any) -> Entry:
        listed = parse_track(row)
        if isinstance(listed, NotATrack):
            return Skipped(position, listed.label or f"entry {position + 1}", listed.reason)
        if listed.track.album is None and self._album is not None:
            listed = replace(listed, track=replace(listed.track, album=self._album))
        return self._found(position, listed)

    def _found(self, position: int, listed: DeezerTrack) -> Found:
        track = listed.track
        label = f"{', '.join(track.artists)} - {track.title}".removeprefix(" - ")
        return Found(position, label, track, self.chain.offer(Wanted(track, listed.preview_url)))

    async def _single_track(self) -> Settled:
        return self._found(0, await self._asked(self.api.track(self.target.key)))

    async def _asked(self, question: Awaitable[T | None]) -> T:
        try:
            answer = await question
        except ServiceUnavailable as error:
            if error.wait_s is not None and error.wait_s > LONGEST_WAIT_S:
                raise QuotaSpent(str(error), wait_s=error.wait_s) from error
            raise SourceUnavailable(str(error)) from error
        except ServiceRefused as error:
            raise SourceRefused(str(error)) from error
        if answer is None:
            raise SourceRefused(f"Deezer knows no {self.target.kind} {self.target.key}, or does not show it")
        return answer
