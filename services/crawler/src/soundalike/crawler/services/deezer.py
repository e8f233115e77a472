"""Deezer's public API; no account is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from soundalike.crawler.services.deezer_replies import (
    AlbumReply,
    ArtistReply,
    DeezerTrack,
    PageReply,
    PlaylistReply,
    check_reply,
    parse,
    parse_track,
)
from soundalike.crawler.services.web_service import WebService
from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import Missing, ServiceRefused, ServiceUnavailable
from soundalike.http.rate_limiter import RateLimit
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    import httpx

    from soundalike.http.rate_limiter import Limiter

T = TypeVar("T")

DEEZER: Final = RateLimit("deezer", per_second=9.5, burst=2)
"""Deezer counts 50 requests in 5 s; this makes at most 49.5."""

PAGE_SIZE: Final = 100
QUOTA_WINDOW_S: Final = 5.0
_SEARCH_LIMIT: Final = 15


@dataclass(frozen=True, slots=True)
class DeezerApi:
    """The requests of a crawl; each raises `ServiceUnavailable` and `ServiceRefused`."""

    service: WebService

    @classmethod
    def create(cls, url: str, client: httpx.AsyncClient, limiter: Limiter, retry: RetryPolicy | None = None) -> Self:
        """Return the API at an address that ends in a slash."""
        return cls(WebService("Deezer", url, client, CallRunner(limiter, retry or RetryPolicy(), QUOTA_WINDOW_S)))

    async def track(self, key: str) -> DeezerTrack | None:
        """Return a track by its id, or None where there is none."""
        return await self._one_track(f"track/{key}")

    async def by_isrc(self, isrc: str) -> DeezerTrack | None:
        """Return the track that Deezer names for a normalised ISRC, or None; the recording may be another."""
        return await self._one_track(f"track/isrc:{isrc}")

    async def search(self, query: str, *, strict: bool = False) -> list[DeezerTrack]:
        """Return the best tracks for a query, up to 15; rows of a search have no ISRC."""
        params: dict[str, str | int] = {"q": query, "limit": _SEARCH_LIMIT}
        if strict:
            params["strict"] = "on"
        page = await self._get("search", params, lambda body: parse(PageReply, body, "a page of results"))
        rows = (parse_track(row) for row in (page.data if page else ()))
        return [row for row in rows if isinstance(row, DeezerTrack)]

    async def playlist(self, key: str) -> PlaylistReply | None:
        """Return title and checksum of a playlist, or None where there is none."""
        return await self._get(f"playlist/{key}", {}, lambda body: parse(PlaylistReply, body, "a playlist"))

    async def album(self, key: str) -> AlbumReply | None:
        """Return title and artist of an album, or None where there is none."""
        return await self._get(f"album/{key}", {}, lambda body: parse(AlbumReply, body, "an album"))

    async def artist(self, key: str) -> ArtistReply | None:
        """Return the name of an artist, or None where there is none."""
        return await self._get(f"artist/{key}", {}, lambda body: parse(ArtistReply, body, "an artist"))

    async def page(self, path: str, index: int) -> PageReply | None:
        """Return up to 100 rows of a list such as `playlist/1/tracks`, or None where there is no such list."""
        params = {"index": index, "limit": PAGE_SIZE}
        return await self._get(path, params, lambda body: parse(PageReply, body, "a page of a list"))

    async def _one_track(self, path: str) -> DeezerTrack | None:
        def read(body: Any) -> DeezerTrack | None:
            row = parse_track(body)
            if isinstance(row, DeezerTrack):
                return row
            if row.label:
                return None
            raise ServiceUnavailable(f"Deezer answered something that is not a track ({row.reason})")

        return await self._get(path, {}, read)

    async def _get(self, path: str, params: Mapping[str, str | int], read: Callable[[Any], T]) -> T | None:
        try:
            return await self.service.get(path, params, lambda body: read(check_reply(body)))
        except Missing:
            return None
        except ServiceRefused as error:
            raise ServiceRefused(f"{error} (request: {path})") from error
