"""Previews of Deezer: of its own track, by ISRC, and by searching."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.crawler.entries import Provenance
from soundalike.crawler.errors import PreviewUnavailable, ServiceError, ServiceUnavailable
from soundalike.crawler.matching import Recording, by_isrc, by_name
from soundalike.crawler.previews.provider import Absent, Finding, Found, Wanted
from soundalike.crawler.services.deezer_replies import expires_at
from soundalike.domain.titles import fold, read_title

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.preview_hosts import HostList
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.crawler.services.deezer_replies import DeezerTrack

NOT_KNOWN: Final = "not found on Deezer"
NOT_HEARD: Final = "Deezer offers no preview"

_STALE_S: Final = 60.0
"""An address that has less than this to live is asked for anew."""


@dataclass(frozen=True, slots=True)
class DeezerPreviews:
    """Looks for a track on Deezer (see `crawler.previews.provider.PreviewProvider`)."""

    api: DeezerApi
    hosts: HostList
    clock: Callable[[], float] = time.time
    name: str = "deezer"

    async def find(self, wanted: Wanted) -> Finding:
        """Ask for the track itself if it is one of Deezer, then by its ISRC, then by artist and title."""
        try:
            return await self._find(wanted)
        except ServiceUnavailable as error:
            raise PreviewUnavailable("Deezer could not be asked", str(error), wait_s=error.wait_s) from error
        except ServiceError as error:
            raise PreviewUnavailable("Deezer could not be asked", str(error)) from error

    async def _find(self, wanted: Wanted) -> Finding:
        track, known = wanted.track, False
        if track.id.source == "deezer":
            # Rows of lists come without the recording's code, which is worth a request.
            if track.isrc is not None and wanted.preview_url and self._is_fresh(wanted.preview_url):
                return self._found(track.id.key, wanted.preview_url, "id", 1.0, track.isrc)
            own = await self.api.track(track.id.key)
            if own is not None and own.preview_url:
                return self._found(track.id.key, own.preview_url, "id", 1.0, own.track.isrc)
            if own is not None:
                # Knows more than the row of a list that it stands for.
                track, known = own.track, True
        recording = Recording.of(track)
        if track.isrc is not None:
            named = await self.api.by_isrc(track.isrc)
            score = None if named is None else by_isrc(recording, Recording.of(named.track))
            if named is not None and score is not None:
                if named.preview_url:
                    return self._found(named.track.id.key, named.preview_url, "isrc", score, named.track.isrc)
                known = True
        return await self._by_search(recording, known=known)

    async def _by_search(self, wanted: Recording, *, known: bool) -> Finding:
        for query, strict in queries(wanted):
            rows = await self.api.search(query, strict=strict)
            scored = [(row, score) for row in rows if (score := by_name(wanted, Recording.of(row.track))) is not None]
            known = known or bool(scored)
            heard = [(row, score) for row, score in scored if row.preview_url]
            if heard:
                row, score = max(heard, key=_score)
                return self._found(row.track.id.key, row.preview_url or "", "search", score, row.track.isrc)
        return Absent(NOT_HEARD if known else NOT_KNOWN)

    def _found(self, key: str, url: str, method: str, score: float, isrc: str | None) -> Found:
        return Found(url, self.hosts, Provenance(self.name, method, key, score, isrc), expires=True)

    def _is_fresh(self, url: str) -> bool:
        end = expires_at(url)
        return end is None or self.clock() + _STALE_S < end


def _score(match: tuple[DeezerTrack, float]) -> float:
    return match[1]


def queries(wanted: Recording) -> list[tuple[str, bool]]:
    """Return what to search Deezer for, and whether strictly: by field, then, since that may find nothing, by words."""
    artist = fold(wanted.artists[0]) if wanted.artists else ""
    title = read_title(wanted.title).folded
    if not artist or not title:
        return []
    return [(f'artist:"{artist}" track:"{title}"', True), (f"{artist} {title}", False)]
