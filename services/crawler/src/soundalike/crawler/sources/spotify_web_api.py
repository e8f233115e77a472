"""The Spotify Web API by spotipy, with the retries of `soundalike.http` instead of spotipy's.

spotipy's own retries can sleep for hours without a word, and its errors lose the status, the reason and the headers.
Here a hook of the session reads every reply before spotipy does.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import requests
import spotipy

from soundalike.crawler.sources.spotify_tokens import TIMEOUT_S, SpotifyTokens
from soundalike.crawler.user_agent import user_agent
from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import (
    NotAllowed,
    QuotaExhausted,
    RateLimited,
    ServiceRefused,
    ServiceUnavailable,
    TokenRejected,
)
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter, RateLimit
from soundalike.http.replies import BodyBuffer, is_transient, parse_json, retry_after_s
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from soundalike.crawler.settings import SpotifyAccess
    from soundalike.http.rate_limiter import Limiter

T = TypeVar("T")

SPOTIFY: Final = RateLimit("spotify", per_second=4.0, burst=4)
"""Spotify counts over 30 s and tells nobody how many; who asks too often is told so, and keeps to it."""

PAGE_SIZE: Final = 50
"""The most that the endpoints give at once."""

RATE_LIMIT_ATTEMPTS: Final = 11
_DEFAULT_WAIT_S: Final = 5.0
_CHUNK_BYTES: Final = 65_536
_LOGIN_HINT: Final = "log in with `soundalike login spotify` (or set SPOTIFY_REFRESH_TOKEN)"


@dataclass(slots=True)
class SpotifyWebApi:
    """The requests of a crawl, answered as JSON; use it as a context manager.

    Each raises `ServiceRefused`, `ServiceUnavailable`, `QuotaExhausted`.
    """

    access: SpotifyAccess
    limiter: Limiter = field(default_factory=lambda: InMemoryLimiter(UNLIMITED))
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    contact: str | None = None
    _session: requests.Session = field(init=False, default_factory=requests.Session)
    _tokens: SpotifyTokens = field(init=False)
    _spotify: spotipy.Spotify = field(init=False)
    _runner: CallRunner = field(init=False)

    def __post_init__(self) -> None:
        self._session.headers["User-Agent"] = user_agent(self.contact)
        self._session.hooks["response"].append(self._check_response)
        self._tokens = SpotifyTokens(self.access, self._session)
        self._spotify = spotipy.Spotify(
            auth_manager=self._tokens, requests_session=self._session, requests_timeout=TIMEOUT_S
        )
        self._spotify.prefix = self.access.api_url
        self._runner = CallRunner(self.limiter, self.retry, rate_limit_attempts=RATE_LIMIT_ATTEMPTS)

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
        """Return the user whom the token belongs to."""
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
            raise NotAllowed(f"an app without a logged-in user has no library: {_LOGIN_HINT}")

    async def _request(self, call: Callable[[], T]) -> T:
        async def request() -> T:
            try:
                return await asyncio.to_thread(call)
            except requests.RequestException as error:
                raise ServiceUnavailable(f"Spotify does not answer: {error}") from error

        try:
            return await self._runner.run(request)
        except RateLimited as error:
            raise QuotaExhausted(_quota_message(error), wait_s=error.wait_s) from error

    def _check_response(self, response: requests.Response, *_: object, **__: object) -> None:
        status = response.status_code
        at_token_endpoint = (response.request.url or "").startswith(self.access.token_url)
        body = _json_of(response)
        if status == requests.codes.ok:
            if not isinstance(body, dict):
                raise ServiceUnavailable("Spotify does not answer: it answered 200 with an unexpected body")
            return
        message, reason = _message_and_reason(body)
        if status == requests.codes.too_many_requests:
            wait_s = retry_after_s(response.headers.get("Retry-After"))
            wait_s = _DEFAULT_WAIT_S if wait_s is None else wait_s
            if reason == "QUOTA_EXCEEDED":
                raise QuotaExhausted("the app's quota is used up", wait_s=wait_s)
            raise RateLimited("the rate limit is reached", wait_s=wait_s)
        if status == requests.codes.unauthorized and not at_token_endpoint:
            self._tokens.invalidate()
            raise TokenRejected("Spotify rejects the access token that it has just issued")
        if is_transient(status):
            raise ServiceUnavailable(f"Spotify does not answer: it answered {status} {message}".rstrip())
        raise ServiceRefused(self._explain(status, message, at_token_endpoint))

    def _explain(self, status: int, message: str, at_token_endpoint: bool) -> str:
        message = f"Spotify answered {status} {message}".rstrip()
        if at_token_endpoint:
            names = "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET" + (
                "" if self.access.refresh_token is None else ", or log in again with `soundalike login spotify`"
            )
            return f"{message} when an access token was requested; check {names}"
        if status == requests.codes.forbidden:
            how = (
                f"if it is yours, {_LOGIN_HINT}"
                if self.access.refresh_token is None
                else "this does not belong to the logged-in user, or the login did not include it"
            )
            return f"{message}: since 2026 an app can read only what belongs to its own user; {how}"
        if status == requests.codes.not_found:
            return f"{message}: nothing has this id, or it is a playlist made by Spotify, which apps may not read"
        return message


def _json_of(response: requests.Response) -> Any:
    buffer = BodyBuffer("Spotify")
    for chunk in response.iter_content(_CHUNK_BYTES):
        buffer.add(chunk)
    # As requests itself does once it has read a body, but with a limit.
    response._content = bytes(buffer.body)  # noqa: SLF001
    try:
        return parse_json(response.content)
    except ValueError:
        return None


def _message_and_reason(body: Any) -> tuple[str, str]:
    """Read the forms of error bodies: an object, a string with a description (RFC 6749, section 5.2), or neither."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or "")[:300], str(error.get("reason") or "")
    if isinstance(error, str):
        description = str(body.get("error_description") or "")
        return f"{error}: {description}"[:300] if description else error[:300], ""
    return "", ""


def _quota_message(error: RateLimited) -> str:
    seconds = error.wait_s or 0.0
    hours, minutes = divmod(round(seconds / 60), 60)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
    return f"Spotify says that {error}; run the same command again in {span} to continue"
