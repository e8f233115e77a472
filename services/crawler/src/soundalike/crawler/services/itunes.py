"""Apple's iTunes Search API; no account is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from soundalike.crawler.matching import Candidate
from soundalike.crawler.services.web_service import WebService
from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import ServiceUnavailable
from soundalike.http.rate_limiter import RateLimit
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from typing import Self

    import httpx

    from soundalike.http.rate_limiter import Limiter

ITUNES: Final = RateLimit("itunes", per_second=0.3, burst=2)
"""Apple names about 20 calls a minute; this makes at most 20."""

PAUSE_S: Final = 30.0
"""Apple refuses with an empty 403 and does not say for how long; it counts by the minute."""

_SEARCH_LIMIT: Final = 25


class _Song(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: str
    track_id: int = Field(alias="trackId", gt=0)
    title: str = Field(alias="trackName")
    artist: str = Field(alias="artistName")
    album: str | None = Field(default=None, alias="collectionName")
    milliseconds: int | None = Field(default=None, alias="trackTimeMillis")
    preview: str | None = Field(default=None, alias="previewUrl")
    link: str | None = Field(default=None, alias="trackViewUrl", pattern=r"^https?://")


class _Results(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    results: list[Any]


@dataclass(frozen=True, slots=True)
class ITunesSong:
    """A song of the iTunes Store, and where its preview lies if there is one."""

    key: str
    candidate: Candidate
    preview_url: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class ITunesApi:
    """Searching the store of one country (two letters)."""

    service: WebService
    country: str

    @classmethod
    def create(
        cls, url: str, country: str, client: httpx.AsyncClient, limiter: Limiter, retry: RetryPolicy | None = None
    ) -> Self:
        """Return the API at an address that ends in a slash."""
        return cls(WebService("iTunes", url, client, CallRunner(limiter, retry or RetryPolicy(), PAUSE_S)), country)

    async def search(self, term: str) -> list[ITunesSong]:
        """Return the best songs for some words, up to 25; raises `ServiceUnavailable` and `ServiceRefused`."""
        params: dict[str, str | int] = {
            "term": term,
            "media": "music",
            "entity": "song",
            "country": self.country,
            "limit": _SEARCH_LIMIT,
        }
        songs: list[ITunesSong] = await self.service.get("search", params, parse_songs)
        return songs


def parse_songs(body: Any) -> list[ITunesSong]:
    """Read the songs among the rows of a reply; raises `ServiceUnavailable` for what is no reply."""
    try:
        rows = _Results.model_validate(body).results
    except ValidationError as error:
        raise ServiceUnavailable("iTunes answered something that is not a list of results") from error
    return [song for song in map(_song, rows) if song is not None]


def _song(row: Any) -> ITunesSong | None:
    try:
        song = _Song.model_validate(row)
    except ValidationError:
        # Rows of albums, films and what is to come.
        return None
    if song.kind != "song":
        return None
    seconds = song.milliseconds / 1000 if song.milliseconds and song.milliseconds > 0 else None
    return ITunesSong(
        key=str(song.track_id),
        candidate=Candidate(song.title, (song.artist,), seconds, None, song.album),
        preview_url=song.preview or None,
        link=song.link,
    )
