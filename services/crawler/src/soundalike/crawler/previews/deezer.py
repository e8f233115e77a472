"""Previews of Deezer: of its own track, by ISRC, and by searching."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Provenance
from soundalike.crawler.errors import PreviewUnavailable
from soundalike.crawler.matching import Candidate, score_by_isrc, score_by_name
from soundalike.crawler.previews.provider import PreviewAbsent, PreviewFound, PreviewRequest, PreviewResult
from soundalike.crawler.services.deezer_replies import expires_at
from soundalike.domain.titles import fold, read_title
from soundalike.http.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.preview_hosts import HostList
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.crawler.services.deezer_replies import DeezerTrack

NOT_FOUND: Final = "not found on Deezer"
NO_PREVIEW: Final = "Deezer offers no preview"

_MIN_LIFETIME_S: Final = 60.0
"""An address that has less than this to live is asked for anew."""


@dataclass(frozen=True, slots=True)
class DeezerPreviews:
    """Looks for a track on Deezer (see `crawler.previews.provider.PreviewProvider`)."""

    api: DeezerApi
    hosts: HostList
    clock: Callable[[], float] = time.time
    name: str = "deezer"

    async def find(self, request: PreviewRequest) -> PreviewResult:
        """Ask for the track itself if it is one of Deezer, then by its ISRC, then by artist and title."""
        try:
            return await self._find(request)
        except ServiceError as error:
            raise PreviewUnavailable("Deezer does not answer", str(error), wait_s=error.wait_s) from error

    async def _find(self, request: PreviewRequest) -> PreviewResult:
        track, known = request.track, False
        if track.id.source == "deezer":
            # Rows of lists come without the recording's code, which is worth a request.
            if track.isrc is not None and request.preview_url and self._is_fresh(request.preview_url):
                return self._result(track.id.key, request.preview_url, "id", 1.0, track.isrc)
            own = await self.api.track(track.id.key)
            if own is not None and own.preview_url:
                return self._result(track.id.key, own.preview_url, "id", 1.0, own.track.isrc)
            if own is not None:
                # Knows more than the row of a list that it stands for.
                track, known = own.track, True
        recording = Candidate.of(track)
        if track.isrc is not None:
            named = await self.api.by_isrc(track.isrc)
            score = None if named is None else score_by_isrc(recording, Candidate.of(named.track))
            if named is not None and score is not None:
                if named.preview_url:
                    return self._result(named.track.id.key, named.preview_url, "isrc", score, named.track.isrc)
                known = True
        return await self._search(recording, known=known)

    async def _search(self, target: Candidate, *, known: bool) -> PreviewResult:
        for query, strict in search_queries(target):
            rows = await self.api.search(query, strict=strict)
            scored = [
                (row, score) for row in rows if (score := score_by_name(target, Candidate.of(row.track))) is not None
            ]
            known = known or bool(scored)
            available = [(row, score) for row, score in scored if row.preview_url]
            if available:
                row, score = max(available, key=_score)
                return self._result(row.track.id.key, row.preview_url or "", "search", score, row.track.isrc)
        return PreviewAbsent(NO_PREVIEW if known else NOT_FOUND)

    def _result(self, key: str, url: str, method: str, score: float, isrc: str | None) -> PreviewFound:
        return PreviewFound(url, self.hosts, Provenance(self.name, method, key, score, isrc), expires=True)

    def _is_fresh(self, url: str) -> bool:
        end = expires_at(url)
        return end is None or self.clock() + _MIN_LIFETIME_S < end


def _score(match: tuple[DeezerTrack, float]) -> float:
    return match[1]


def search_queries(target: Candidate) -> list[tuple[str, bool]]:
    """Return what to search Deezer for, and whether strictly: by field, then, since that may find nothing, by words."""
    artist = fold(target.artists[0]) if target.artists else ""
    title = read_title(target.title).folded
    if not artist or not title:
        return []
    return [(f'artist:"{artist}" track:"{title}"', True), (f"{artist} {title}", False)]
