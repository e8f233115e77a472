"""The access token: used until it expires, renewed in time, never more of them than SoundCloud issues.

SoundCloud issues 50 tokens in 12 hours to an application and 30 in an hour to an IP address, so a program that is
started often has to keep its token between runs.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from soundalike.http.errors import NotAllowed, RateLimited, ServiceUnavailable
from soundalike.http.replies import is_transient, parse_json, retry_after_s, send
from soundalike.http.token_reply import TokenReply
from soundalike.soundcloud.error_bodies import error_message
from soundalike.soundcloud.errors import UnreadableReply
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN_URL: Final = "https://secure.soundcloud.com/oauth/token"  # noqa: S105 - an address
LIMITS: Final = ((3_600.0, 30), (43_200.0, 50))
"""Seconds, and how many tokens are issued in them."""

_RENEWAL_MARGIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """An application as registered with SoundCloud."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, when it expires (Unix time, s), and when it and those before it were issued."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: float
    issued_at: tuple[float, ...] = ()


class TokenStore(Protocol):
    """Keeps the token between runs."""

    def load(self) -> Token | None:
        """Return the token saved last, or None."""

    def save(self, token: Token) -> None:
        """Save a token in place of the one before it."""


@dataclass(slots=True)
class MemoryTokenStore:
    """Keeps the token for as long as the program runs."""

    token: Token | None = None

    def load(self) -> Token | None:
        """Return the token saved last, or None."""
        return self.token

    def save(self, token: Token) -> None:
        """Save a token in place of the one before it."""
        self.token = token


@dataclass(frozen=True, slots=True)
class FileTokenStore:
    """Keeps the token in a file that only its owner can read; an unreadable file counts as none."""

    path: Path

    def load(self) -> Token | None:
        """Return the token saved last, or None."""
        try:
            saved = json.loads(self.path.read_text(encoding="utf-8"))
            issued_at = tuple(float(moment) for moment in saved["given_out"])
            return Token(str(saved["access"]), saved["refresh"], float(saved["expires_at"]), issued_at)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def save(self, token: Token) -> None:
        """Save a token in place of the one before it."""
        content = asdict(token)
        # The name of the key in files of earlier versions.
        content["given_out"] = content.pop("issued_at")
        write_private(self.path, json.dumps(content))


@dataclass(slots=True)
class TokenProvider:
    """Provides the token and requests another when it expires; any number of tasks may ask at the same time."""

    client: httpx.AsyncClient
    account: Account
    store: TokenStore = field(default_factory=MemoryTokenStore)
    url: str = TOKEN_URL
    clock: Callable[[], float] = time.time
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _invalid: set[str] = field(default_factory=set, init=False)

    async def current(self) -> str:
        """Return a token that SoundCloud should accept.

        Raises `NotAllowed` for an unknown account, `RateLimited` when no more tokens are issued, `ServiceUnavailable`.
        """
        async with self._lock:
            token = self.store.load()
            if token and token.access not in self._invalid and self.clock() < token.expires_at - _RENEWAL_MARGIN_S:
                return token.access
            issued_at = self._check_limits(token.issued_at if token else ())
            new = await self._refresh(token) or await self._request({"grant_type": "client_credentials"})
            self.store.save(replace(new, issued_at=(*issued_at, self.clock())))
            return new.access

    def invalidate(self, access: str) -> None:
        """Do not use a token any more, because SoundCloud did not accept it."""
        self._invalid.add(access)

    def _check_limits(self, issued_at: tuple[float, ...]) -> tuple[float, ...]:
        now = self.clock()
        for seconds, limit in LIMITS:
            recent = sorted(moment for moment in issued_at if moment > now - seconds)
            if len(recent) >= limit:
                wait = recent[-limit] + seconds - now
                raise RateLimited(
                    f"SoundCloud issues at most {limit} tokens in {seconds / 3600:.0f} h, and that many were issued",
                    wait_s=wait,
                )
        return tuple(moment for moment in issued_at if moment > now - LIMITS[-1][0])

    async def _refresh(self, token: Token | None) -> Token | None:
        if token is None or token.refresh is None:
            return None
        try:
            # A refresh token is valid once: the second use is refused, and the account is used instead.
            return await self._request({"grant_type": "refresh_token", "refresh_token": token.refresh})
        except NotAllowed:
            return None

    async def _request(self, form: dict[str, str]) -> Token:
        credentials = (self.account.client_id, self.account.client_secret)
        headers = {"Accept": "application/json; charset=utf-8"}
        reply = await send(self.client, "SoundCloud", "POST", self.url, data=form, auth=credentials, headers=headers)
        reason = f"SoundCloud issued no token ({reply.status} {error_message(reply.body)}".rstrip() + ")"
        if reply.status == httpx.codes.TOO_MANY_REQUESTS:
            raise RateLimited(reason, wait_s=retry_after_s(reply.headers.get("Retry-After")))
        if is_transient(reply.status):
            raise ServiceUnavailable(reason)
        if reply.status != httpx.codes.OK:
            raise NotAllowed(f"{reason}; check the client id and secret, and that the account may use the API")
        try:
            issued = TokenReply.model_validate(parse_json(reply.body))
        except ValueError as error:
            raise UnreadableReply("SoundCloud's token response cannot be read") from error
        return Token(issued.access_token, issued.refresh_token or None, self.clock() + issued.expires_in)
