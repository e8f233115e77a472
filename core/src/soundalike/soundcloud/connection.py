"""Asking SoundCloud: with the token, at the pace that is allowed, again when that can help, and nobody else."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx

from soundalike.soundcloud.access_tokens import TOKEN_URL, MemoryTokenStore, TokenKeeper
from soundalike.soundcloud.error_bodies import patience_asked, said
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
LARGEST_REPLY: Final = 16_000_000
_TRY_AGAIN: Final = frozenset({408, 425})


class Pace(Protocol):
    """Says when the next request may be sent."""

    async def acquire(self) -> None:
        """Return when it may."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """No pace but SoundCloud's own complaints."""

    async def acquire(self) -> None:
        """Return at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is tried, and how long is waited between: twice as long each time, half of it by chance.

    A wait that SoundCloud asks for and that is longer than `longest_s` is left to the caller, as `Throttled`.
    """

    tries: int = 5
    first_s: float = 1.0
    longest_s: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def wait(self, attempt: int, asked_s: float | None) -> None:
        """Wait after attempt number `attempt`, counted from 0, failed."""
        grown = min(self.longest_s, self.first_s * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        await self.sleep(grown if asked_s is None else asked_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, `Location`, and the body as read from JSON."""

    status: int
    location: str | None
    content: Any


@dataclass(slots=True)
class Connection:
    """Sends GET requests to paths below `url`; any number of tasks may ask at the same time.

    `url` has no slash at its end. `asked` counts the requests that were sent, retries among them.
    """

    client: httpx.AsyncClient
    keeper: TokenKeeper
    url: str = API_URL
    pace: Pace = field(default_factory=AtOnce)
    patience: Patience = field(default_factory=Patience)
    asked: int = 0

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the content of a reply.

        Raises `Missing`, `NotAllowed`, `Refused`, `UnreadableReply`; `Throttled` and `Unavailable` after every try.
        """
        answer = await self.ask(path, query)
        if answer.location is not None:
            raise UnreadableReply(f"SoundCloud leads from {path} elsewhere, which it is not documented to do")
        return answer.content

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Return a reply that may lead elsewhere; nobody follows it, and so nobody else gets the token.

        Raises what `get` raises.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise InvalidAddress(f"{path!r} is no path of the API")
        renewed = False
        failure = Unavailable(f"SoundCloud was never asked for {path}")
        for attempt in range(self.patience.tries):
            if attempt:
                await self.patience.wait(attempt - 1, failure.seconds if isinstance(failure, Throttled) else None)
            await self.pace.acquire()
            token = await self.keeper.current()
            self.asked += 1
            try:
                status, headers, body = await self._send(path, query, token)
            except httpx.HTTPError as error:
                failure = Unavailable(f"SoundCloud did not answer {path}: {type(error).__name__}")
                failure.__cause__ = error
                continue
            if status == httpx.codes.UNAUTHORIZED and not renewed:
                renewed = True
                self.keeper.refuse(token)
                failure = Throttled(f"SoundCloud did not accept the token: {said(body)}", 0.0)
                continue
            if status == httpx.codes.TOO_MANY_REQUESTS:
                asked = patience_asked(body, headers.get("Retry-After"), datetime.now(UTC))
                failure = Throttled(f"SoundCloud asks for patience at {path}: {said(body)}", asked)
                if asked is not None and asked > self.patience.longest_s:
                    raise failure
                continue
            if status >= 500 or status in _TRY_AGAIN:
                failure = Unavailable(f"SoundCloud answered {path} with {status} {said(body)}".rstrip())
                continue
            return _answer(path, status, headers, body)
        raise failure

    async def _send(self, path: str, query: Mapping[str, str] | None, token: str) -> tuple[int, httpx.Headers, bytes]:
        headers = {"Authorization": f"OAuth {token}", "Accept": "application/json; charset=utf-8"}
        body = bytearray()
        async with self.client.stream(
            "GET", self.url + path, params=dict(query or {}), headers=headers, follow_redirects=False
        ) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_REPLY:
                    raise UnreadableReply(f"SoundCloud's answer to {path} has more than {LARGEST_REPLY} bytes")
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
    patience: Patience | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection and close it at the end; `contact` is named to SoundCloud as who asks."""
    agent = f"soundalike/0.1 ({contact})" if contact else "soundalike/0.1"
    async with httpx.AsyncClient(headers={"User-Agent": agent}, timeout=httpx.Timeout(30.0, connect=10.0)) as client:
        keeper = TokenKeeper(client, account, store or MemoryTokenStore(), token_url)
        yield Connection(client, keeper, url.rstrip("/"), pace or AtOnce(), patience or Patience())


def _answer(path: str, status: int, headers: httpx.Headers, body: bytes) -> Answer:
    reason = f"{status} {said(body)}".rstrip()
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
    return Answer(status, headers.get("Location"), content)
