"""Requests to SoundCloud: with the token, at the allowed pace, retried when that can help; to no other host."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from soundalike.retry import Backoff
from soundalike.soundcloud.access_tokens import TOKEN_URL, MemoryTokenStore, TokenProvider
from soundalike.soundcloud.error_bodies import error_message, retry_after_s
from soundalike.soundcloud.errors import (
    InvalidAddress,
    Missing,
    NotAllowed,
    Refused,
    Throttled,
    Unavailable,
    UnreadableReply,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from soundalike.soundcloud.access_tokens import Account, TokenStore

API_URL: Final = "https://api.soundcloud.com"
MAX_REPLY_BYTES: Final = 16_000_000
_RETRIED_STATUSES: Final = frozenset({408, 425})


class Pace(Protocol):
    """Limits when the next request may be sent."""

    async def acquire(self) -> None:
        """Wait until it may."""


@dataclass(frozen=True, slots=True)
class NoPace:
    """No limit but SoundCloud's own responses."""

    async def acquire(self) -> None:
        """Return at once."""


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often a request is tried, and the wait between: twice as long each time, up to half of it less by chance.

    A longer wait than `max_wait_s` that SoundCloud asks for is left to the caller, as `Throttled`.
    """

    tries: int = 5
    first_s: float = 1.0
    max_wait_s: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def wait(self, attempt: int, retry_after_s: float | None) -> None:
        """Wait after attempt number `attempt`, counted from 0, failed."""
        backoff_s = Backoff(self.first_s, self.max_wait_s, jitter=0.5).delay_s(attempt + 1)
        await self.sleep(backoff_s if retry_after_s is None else retry_after_s)


@dataclass(frozen=True, slots=True)
class Response:
    """A response: status, `Location`, and the body as read from JSON."""

    status: int
    location: str | None
    content: Any


@dataclass(slots=True)
class Connection:
    """Sends GET requests to paths below `url`; any number of tasks may use it at the same time.

    `url` has no slash at its end. `request_count` counts the requests sent, including retries.
    """

    client: httpx.AsyncClient
    tokens: TokenProvider
    url: str = API_URL
    pace: Pace = field(default_factory=NoPace)
    retry_limits: RetryLimits = field(default_factory=RetryLimits)
    request_count: int = 0

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the content of a response.

        Raises `Missing`, `NotAllowed`, `Refused`, `UnreadableReply`; `Throttled` and `Unavailable` after every try.
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
        renewed = False
        failure = Unavailable(f"no request was sent to SoundCloud for {path}")
        for attempt in range(self.retry_limits.tries):
            if attempt:
                await self.retry_limits.wait(attempt - 1, failure.seconds if isinstance(failure, Throttled) else None)
            await self.pace.acquire()
            token = await self.tokens.current()
            self.request_count += 1
            try:
                status, headers, body = await self._send(path, query, token)
            except httpx.HTTPError as error:
                failure = Unavailable(f"SoundCloud did not answer {path}: {type(error).__name__}")
                failure.__cause__ = error
                continue
            if status == httpx.codes.UNAUTHORIZED and not renewed:
                renewed = True
                self.tokens.invalidate(token)
                failure = Throttled(f"SoundCloud did not accept the token: {error_message(body)}", 0.0)
                continue
            if status == httpx.codes.TOO_MANY_REQUESTS:
                wait_s = retry_after_s(body, headers.get("Retry-After"), datetime.now(UTC))
                failure = Throttled(f"SoundCloud limits the rate of {path}: {error_message(body)}", wait_s)
                if wait_s is not None and wait_s > self.retry_limits.max_wait_s:
                    raise failure
                continue
            if status >= 500 or status in _RETRIED_STATUSES:
                failure = Unavailable(f"SoundCloud answered {path} with {status} {error_message(body)}".rstrip())
                continue
            return _response(path, status, headers, body)
        raise failure

    async def _send(self, path: str, query: Mapping[str, str] | None, token: str) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Authorization": f"OAuth {token}", "Accept": "application/json; charset=utf-8"}
        body = bytearray()
        async with self.client.stream(
            "GET", self.url + path, params=dict(query or {}), headers=headers, follow_redirects=False
        ) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_REPLY_BYTES:
                    raise UnreadableReply(f"SoundCloud's response to {path} has more than {MAX_REPLY_BYTES} bytes")
            return response.status_code, response.headers, bytes(body)


@asynccontextmanager
async def connect(
    account: Account,
    *,
    contact: str | None = None,
    url: str = API_URL,
    token_url: str = TOKEN_URL,
    store: TokenStore | None = None,
    pace: Pace | None = None,
    retry_limits: RetryLimits | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection and close it at the end; `contact` is sent to SoundCloud in the User-Agent."""
    agent = f"soundalike/0.1 ({contact})" if contact else "soundalike/0.1"
    async with httpx.AsyncClient(headers={"User-Agent": agent}, timeout=httpx.Timeout(30.0, connect=10.0)) as client:
        tokens = TokenProvider(client, account, store or MemoryTokenStore(), token_url)
        yield Connection(client, tokens, url.rstrip("/"), pace or NoPace(), retry_limits or RetryLimits())


def _response(path: str, status: int, headers: httpx.Headers, body: bytes) -> Response:
    reason = f"{status} {error_message(body)}".rstrip()
    if status in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise Missing(f"SoundCloud has nothing at {path}: {reason}")
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise NotAllowed(f"SoundCloud does not allow {path}: {reason}")
    if status >= 400:
        raise Refused(f"SoundCloud refuses {path}: {reason}")
    try:
        content = json.loads(body) if body else None
    except ValueError as error:
        raise UnreadableReply(f"SoundCloud's answer to {path} is no JSON") from error
    return Response(status, headers.get("Location"), content)
