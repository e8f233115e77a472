"""Previews of the iTunes Store, by searching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Provenance
from soundalike.crawler.errors import PreviewUnavailable
from soundalike.crawler.matching import Candidate, score_by_name
from soundalike.crawler.previews.provider import PreviewAbsent, PreviewFound, PreviewRequest, PreviewResult
from soundalike.domain.titles import fold, read_title
from soundalike.http.errors import ServiceError

if TYPE_CHECKING:
    from soundalike.crawler.preview_hosts import HostList
    from soundalike.crawler.services.itunes import ITunesApi

NOT_FOUND: Final = "not found on iTunes"
NO_PREVIEW: Final = "iTunes offers no preview"


@dataclass(frozen=True, slots=True)
class ITunesPreviews:
    """Looks for a track in the iTunes Store (see `crawler.previews.provider.PreviewProvider`)."""

    api: ITunesApi
    hosts: HostList
    name: str = "itunes"

    async def find(self, request: PreviewRequest) -> PreviewResult:
        """Search by artist and title."""
        try:
            return await self._find(Candidate.of(request.track))
        except ServiceError as error:
            raise PreviewUnavailable("iTunes does not answer", str(error), wait_s=error.wait_s) from error

    async def _find(self, target: Candidate) -> PreviewResult:
        if not target.artists:
            return PreviewAbsent(NOT_FOUND)
        songs = await self.api.search(f"{fold(target.artists[0])} {read_title(target.title).folded}")
        scored = [(score, song) for song in songs if (score := score_by_name(target, song.candidate)) is not None]
        available = [(score, song) for score, song in scored if song.preview_url]
        if not available:
            return PreviewAbsent(NO_PREVIEW if scored else NOT_FOUND)
        score, song = max(available, key=lambda match: match[0])
        return PreviewFound(song.preview_url or "", self.hosts, Provenance(self.name, "search", song.key, score))
