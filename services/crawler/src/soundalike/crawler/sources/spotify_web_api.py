"""Asking the Spotify Web API by spotipy, with a patience of our own instead of spotipy's.

spotipy's own retries can sleep for hours without a word, and its errors lose the status, the reason and the headers.
Here every answer is judged by a hook of the session, before spotipy sees it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import requests
import spotipy

from soundalike.crawler.errors import CrawlerError, QuotaExhausted, ServiceUnavailable, SourceRefused, SourceUnavailable
from soundalike.crawler.rate_limiter import RateLimit, Unlimited
from soundalike.crawler.sources.spotify_tokens import TIMEOUT_S, SpotifyTokens
from soundalike.crawler.user_agent import user_agent
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from soundalike.crawler.rate_limiter import Limiter
    from soundalike.crawler.settings import SpotifyAccess

T = TypeVar("T")

SPOTIFY: Final = RateLimit("spotify", per_second=4.0, burst=4)
"""Spotify counts over 30 s and tells nobody how many; who asks too often is told so, and keeps to it."""

PAGE_SIZE: Final = 50
"""The most that the endpoints give at once."""

MAX_WAIT_S: Final = 60.0
"""A longer Retry-After means a spent quota, not a busy moment."""

MAX_WAITS: Final = 10
_DEFAULT_WAIT_S: Final = 5.0
_MAX_RETRY_AFTER_S: Final = 7 * 86_400.0
_LOGIN_HINT: Final = "log in with `soundalike login spotify` (or set SPOTIFY_REFRESH_TOKEN)"


class _ApiError(CrawlerError):
    """An answer that is no success."""


class _TokenExpired(_ApiError):
    """The access token is not taken (any more)."""


@dataclass(eq=False)
class _TooManyRequests(_ApiError):
    wait_s: float
    quota_exceeded: bool


class _ServerError(_ApiError):
    """The server has a problem of its own."""


@dataclass(eq=False)
class _RequestRejected(_ApiError):
    status: int
    message: str
    from_token_endpoint: bool


@dataclass(slots=True)
class SpotifyWebApi:
    """The questions a crawl has, answered as JSON; use it as a context manager.

    Each raises `SourceRefused`, `SourceUnavailable`, `QuotaExhausted`.
    """

    access: SpotifyAccess
    limiter: Limiter = field(default_factory=Unlimited)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    contact: str | None = None
    max_wait_s: float = MAX_WAIT_S
    _session: requests.Session = field(init=False, default_factory=requests.Session)
    _tokens: SpotifyTokens = field(init=False)
    _spotify: spotipy.Spotify = field(init=False)

    def __post_init__(self) -> None:
        self._session.headers["User-Agent"] = user_agent(self.contact)
        self._session.hooks["response"].append(self._check_response)
        self._tokens = SpotifyTokens(self.access, self._session)
        self._spotify = spotipy.Spotify(
            auth_manager=self._tokens, requests_session=self._session, requests_timeout=TIMEOUT_S
        )
        self._spotify.prefix = self.access.api_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    async def playlist(self, playlist_id: str) -> Any:
        """Return name and snapshot id of a playlist."""
        return await self._request(lambda: self._spotify.playlist(playlist_id, fields="name,snapshot_id"))

    async def page(self, playlist_id: str, offset: int) -> Any:
        """Return up to 50 entries of a playlist; by offset, since `next` may lead to another host."""
        # Asked for tracks alone, Spotify answers null for an episode, and the table could not tell the two apart.
        return await self._request(
            lambda: self._spotify.playlist_items(
                playlist_id, limit=PAGE_SIZE, offset=offset, additional_types=("track", "episode")
            )
        )

    async def track(self, track_id: str) -> Any:
        """Return one track."""
        return await self._request(lambda: self._spotify.track(track_id))

    async def album(self, album_id: str) -> Any:
        """Return an album with the first of its tracks."""
        return await self._request(lambda: self._spotify.album(album_id))

    async def album_page(self, album_id: str, offset: int) -> Any:
        """Return up to 50 tracks of an album, without what only whole tracks have (ISRC, preview)."""
        return await self._request(lambda: self._spotify.album_tracks(album_id, limit=PAGE_SIZE, offset=offset))

    async def user(self) -> Any:
        """Return the user who is asked for."""
        self._check_user()
        return await self._request(self._spotify.current_user)

    async def saved_page(self, offset: int, *, limit: int = PAGE_SIZE) -> Any:
        """Return some of the tracks that the user saved, the latest first."""
        self._check_user()
        return await self._request(lambda: self._spotify.current_user_saved_tracks(limit=limit, offset=offset))

    async def playlists_page(self, offset: int) -> Any:
        """Return up to 50 of the playlists that the user owns or follows."""
        self._check_user()
        return await self._request(lambda: self._spotify.current_user_playlists(limit=PAGE_SIZE, offset=offset))

    def _check_user(self) -> None:
        if self.access.refresh_token is None:
            raise SourceRefused(f"an app without a logged-in user has no library: {_LOGIN_HINT}")

    async def _request(self, call: Callable[[], T]) -> T:
        fresh_token, waits, troubles = False, 0, 0
        while True:
            try:
                await self.limiter.acquire()
                return await asyncio.to_thread(call)
            except _TokenExpired as expired:
                if fresh_token:
                    raise SourceRefused("Spotify rejects the access token that it has just issued") from expired
                fresh_token = True
                self._tokens.invalidate()
            except _TooManyRequests as limit:
                waits += 1
                if limit.quota_exceeded or limit.wait_s > self.max_wait_s or waits > MAX_WAITS:
                    raise QuotaExhausted(_quota_message(limit), wait_s=limit.wait_s) from limit
                await self.limiter.pause(limit.wait_s)
            except ServiceUnavailable as error:
                raise SourceUnavailable(str(error)) from error
            except _RequestRejected as refusal:
                raise SourceRefused(self._explain(refusal)) from refusal
            except (_ServerError, requests.RequestException) as trouble:
                troubles += 1
                if troubles >= self.retry.attempts:
                    raise SourceUnavailable(f"Spotify does not answer: {trouble}") from trouble
                await self.retry.wait(troubles)

    def _check_response(self, response: requests.Response, *_: object, **__: object) -> None:
        status = response.status_code
        at_token_endpoint = (response.request.url or "").startswith(self.access.token_url)
        body = _json_of(response)
        if status == requests.codes.ok:
            if not isinstance(body, dict) or (at_token_endpoint and not _is_token(body)):
                raise _ServerError("it answered 200 with an unexpected body")
            return
        message, reason = _message_and_reason(body)
        if status == requests.codes.too_many_requests:
            raise _TooManyRequests(_retry_after_s(response), reason == "QUOTA_EXCEEDED")
        if status == requests.codes.unauthorized and not at_token_endpoint:
            raise _TokenExpired(message)
        if status >= 500 or status in {408, 425}:
            raise _ServerError(f"it answered {status} {message}".strip())
        raise _RequestRejected(status, message, at_token_endpoint)

    def _explain(self, error: _RequestRejected) -> str:
        message = f"Spotify answered {error.status} {error.message}".strip()
        if error.from_token_endpoint:
            names = "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET" + (
                "" if self.access.refresh_token is None else ", or log in again with `soundalike login spotify`"
            )
            return f"{message} when an access token was requested; check {names}"
        if error.status == requests.codes.forbidden:
            how = (
                f"if it is yours, {_LOGIN_HINT}"
                if self.access.refresh_token is None
                else "this does not belong to the logged-in user, or the login did not include it"
            )
            return f"{message}: since 2026 an app can read only what belongs to its own user; {how}"
        if error.status == requests.codes.not_found:
            return f"{message}: nothing has this id, or it is a playlist made by Spotify, which apps may not read"
        return message


def _json_of(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_token(body: dict[str, Any]) -> bool:
    return isinstance(body.get("access_token"), str) and isinstance(body.get("expires_in"), int)


def _message_and_reason(body: Any) -> tuple[str, str]:
    """Read the forms of error bodies: an object, a string with a description (RFC 6749, section 5.2), or neither."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or "")[:300], str(error.get("reason") or "")
    if isinstance(error, str):
        description = str(body.get("error_description") or "")
        return f"{error}: {description}"[:300] if description else error[:300], ""
    return "", ""


def _retry_after_s(response: requests.Response) -> float:
    try:
        return min(max(0.0, float(response.headers["Retry-After"])), _MAX_RETRY_AFTER_S)
    except (KeyError, ValueError):
        return _DEFAULT_WAIT_S


def _quota_message(limit: _TooManyRequests) -> str:
    what = "the app's quota is used up" if limit.quota_exceeded else "the rate limit is reached"
    hours, minutes = divmod(round(limit.wait_s / 60), 60)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{limit.wait_s:.0f} s"
    return f"Spotify says that {what}; run the same command again in {span} to continue"
