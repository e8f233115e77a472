"""Previews of the iTunes Store, by searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Provenance
from soundalike.crawler.errors import PreviewUnavailable, ServiceError, ServiceUnavailable
from soundalike.crawler.matching import Recording, by_name
from soundalike.crawler.previews.provider import Absent, Finding, Found, Wanted
from soundalike.domain.titles import fold, read_title

if TYPE_CHECKING:
    from soundalike.crawler.preview_hosts import HostList
    from soundalike.crawler.services.itunes import ITunesApi

NOT_KNOWN: Final = "not found on iTunes"
NOT_HEARD: Final = "iTunes offers no preview"


@dataclass(frozen=True, slots=True)
class ITunesPreviews:
    """Looks for a track in the iTunes Store (see `crawler.previews.provider.PreviewProvider`)."""

    api: ITunesApi
    hosts: HostList
    name: str = "itunes"

    async def find(self, wanted: Wanted) -> Finding:
        """Search by artist and title."""
        try:
            return await self._find(Recording.of(wanted.track))
        except ServiceUnavailable as error:
            raise PreviewUnavailable("iTunes could not be asked", str(error), wait_s=error.wait_s) from error
        except ServiceError as error:
            raise PreviewUnavailable("iTunes could not be asked", str(error)) from error

    async def _find(self, wanted: Recording) -> Finding:
        if not wanted.artists:
            return Absent(NOT_KNOWN)
        songs = await self.api.search(f"{fold(wanted.artists[0])} {read_title(wanted.title).folded}")
        scored = [(score, song) for song in songs if (score := by_name(wanted, song.recording)) is not None]
        heard = [(score, song) for score, song in scored if song.preview_url]
        if not heard:
            return Absent(NOT_HEARD if scored else NOT_KNOWN)
        score, song = max(heard, key=lambda match: match[0])
        return Found(song.preview_url or "", self.hosts, Provenance(self.name, "search", song.key, score))
