"""Requests to SoundCloud: with the token, to no other host."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import Missing, NotAllowed, RateLimited, ServiceRefused, ServiceUnavailable, TokenRejected
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter
from soundalike.http.replies import is_transient, parse_json, retry_after_s, send
from soundalike.retry import Backoff, RetryPolicy
from soundalike.soundcloud.access_tokens import TOKEN_URL, MemoryTokenStore, TokenProvider
from soundalike.soundcloud.error_bodies import error_message, reset_after_s
from soundalike.soundcloud.errors import InvalidAddress, UnreadableReply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from soundalike.http.rate_limiter import Limiter
    from soundalike.http.replies import Reply
    from soundalike.soundcloud.access_tokens import Account, TokenStore

API_URL: Final = "https://api.soundcloud.com"
RETRY: Final = RetryPolicy(attempts=5, backoff=Backoff(initial_s=1.0, max_s=60.0, jitter=0.5))


@dataclass(frozen=True, slots=True)
class Response:
    """A response: `Location`, and the body as read from JSON."""

    location: str | None
    content: Any


@dataclass(slots=True)
class Connection:
    """Sends GET requests to paths below `url`; any number of tasks may use it at the same time.

    `url` has no slash at its end. `request_count` counts the requests sent, including retries.
    """

    client: httpx.AsyncClient
    tokens: TokenProvider
    runner: CallRunner
    url: str = API_URL
    request_count: int = field(default=0, init=False)

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the content of a response.

        Raises `Missing`, `NotAllowed`, `UnreadableReply` and other `ServiceRefused`; `RateLimited` and other
        `ServiceUnavailable` after every try; what the limiter raises.
        """
        response = await self.request(path, query)
        if response.location is not None:
            raise UnreadableReply(f"SoundCloud redirects {path}, which is not documented")
        return response.content

    async def request(self, path: str, query: Mapping[str, str] | None = None) -> Response:
        """Return a response, which may be a redirect; it is not followed, so that no other host gets the token.

        Raises what `get` raises.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise InvalidAddress(f"{path!r} is not a path of the API")
        return await self.runner.run(lambda: self._request(path, query or {}))

    async def _request(self, path: str, query: Mapping[str, str]) -> Response:
        token = await self.tokens.current()
        headers = {"Authorization": f"OAuth {token}", "Accept": "application/json; charset=utf-8"}
        self.request_count += 1
        reply = await send(self.client, "SoundCloud", "GET", self.url + path, params=dict(query), headers=headers)
        try:
            return _response(path, reply)
        except TokenRejected:
            self.tokens.invalidate(token)
            raise


@asynccontextmanager
async def connect(
    account: Account,
    *,
    contact: str | None = None,
    url: str = API_URL,
    token_url: str = TOKEN_URL,
    store: TokenStore | None = None,
    limiter: Limiter | None = None,
    retry: RetryPolicy = RETRY,
) -> AsyncIterator[Connection]:
    """Open a connection and close it at the end; `contact` is sent to SoundCloud in the User-Agent."""
    agent = f"soundalike/0.1 ({contact})" if contact else "soundalike/0.1"
    async with httpx.AsyncClient(headers={"User-Agent": agent}, timeout=httpx.Timeout(30.0, connect=10.0)) as client:
        tokens = TokenProvider(client, account, store or MemoryTokenStore(), token_url)
        runner = CallRunner(limiter or InMemoryLimiter(UNLIMITED), retry)
        yield Connection(client, tokens, runner, url.rstrip("/"))


def _response(path: str, reply: Reply) -> Response:
    status = reply.status
    reason = f"{status} {error_message(reply.body)}".rstrip()
    if status == httpx.codes.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(reply.headers.get("Retry-After"))
        wait_s = reset_after_s(reply.body) if wait_s is None else wait_s
        raise RateLimited(f"SoundCloud limits the rate of {path}: {reason}", wait_s=wait_s)
    if is_transient(status):
        raise ServiceUnavailable(f"SoundCloud answered {path} with {reason}")
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise Missing(f"SoundCloud has nothing at {path}: {reason}")
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        kind = TokenRejected if status == httpx.codes.UNAUTHORIZED else NotAllowed
        raise kind(f"SoundCloud does not allow {path}: {reason}")
    if status >= httpx.codes.BAD_REQUEST:
        raise ServiceRefused(f"SoundCloud refuses {path}: {reason}")
    try:
        content = parse_json(reply.body) if reply.body else None
    except ValueError as error:
        raise UnreadableReply(f"SoundCloud's answer to {path} is no JSON") from error
    return Response(reply.headers.get("Location"), content)
