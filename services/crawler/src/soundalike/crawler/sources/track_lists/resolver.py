"""Which track of Deezer a line of a list means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.matching import Candidate, score_by_isrc, score_by_name
from soundalike.crawler.previews.deezer import search_queries
from soundalike.http.errors import ServiceRefused

if TYPE_CHECKING:
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.crawler.services.deezer_replies import DeezerTrack
    from soundalike.crawler.sources.track_lists.row import TrackRow

NOT_FOUND: Final = "not found on Deezer"


@dataclass(frozen=True, slots=True)
class Resolver:
    """Asks Deezer."""

    api: DeezerApi

    async def resolve(self, row: TrackRow) -> DeezerTrack | str:
        """Return the track that a row means, by its ISRC or by searching, or the reason why there is none.

        Raises `QuotaExhausted` and other `ServiceUnavailable`.
        """
        try:
            return await self._by_isrc(row) or await self._by_search(row) or NOT_FOUND
        except ServiceRefused as error:
            return str(error)

    async def _by_isrc(self, row: TrackRow) -> DeezerTrack | None:
        if row.isrc is None:
            return None
        named = await self.api.by_isrc(row.isrc)
        if named is None:
            return None
        if not row.title:
            # Nothing else is known of it, so that nothing can contradict.
            return named if named.track.isrc == row.isrc else None
        return named if score_by_isrc(_candidate(row), Candidate.of(named.track)) is not None else None

    async def _by_search(self, row: TrackRow) -> DeezerTrack | None:
        target = _candidate(row)
        for query, strict in search_queries(target):
            results = await self.api.search(query, strict=strict)
            scored = [
                (score, result)
                for result in results
                if (score := score_by_name(target, Candidate.of(result.track))) is not None
            ]
            if scored:
                return max(scored, key=lambda match: (match[0], bool(match[1].preview_url)))[1]
        return None


def _candidate(row: TrackRow) -> Candidate:
    return Candidate(row.title, row.artists, row.seconds, row.isrc, row.album)
