"""The access token: one for as long as it lives, renewed in time, never more of them than SoundCloud gives out.

SoundCloud gives an application 50 tokens in 12 hours and an address 30 in one, so a program that is started often has
to keep its token between runs.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from soundalike.soundcloud.error_bodies import said
from soundalike.soundcloud.errors import NotAllowed, Throttled, Unavailable, UnreadableReply
from soundalike.storage.atomic_files import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN_URL: Final = "https://secure.soundcloud.com/oauth/token"  # noqa: S105 - an address
LIMITS: Final = ((3_600.0, 30), (43_200.0, 50))
"""Seconds, and how many tokens are given out in them."""

_EARLY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """An application as registered with SoundCloud."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, until when it is accepted (Unix time, s), and when it and those before it were given out."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: float
    given_out: tuple[float, ...] = ()


class TokenStore(Protocol):
    """Keeps the token between runs."""

    def load(self) -> Token | None:
        """Return what was saved last, or None."""

    def save(self, token: Token) -> None:
        """Keep a token in place of the one before it."""


@dataclass(slots=True)
class MemoryTokenStore:
    """Keeps the token for as long as the program runs."""

    token: Token | None = None

    def load(self) -> Token | None:
        """Return what was saved last, or None."""
        return self.token

    def save(self, token: Token) -> None:
        """Keep a token in place of the one before it."""
        self.token = token


@dataclass(frozen=True, slots=True)
class FileTokenStore:
    """Keeps the token in a file that only its owner can read; a file that makes no sense counts as none."""

    path: Path

    def load(self) -> Token | None:
        """Return what was saved last, or None."""
        try:
            saved = json.loads(self.path.read_text(encoding="utf-8"))
            given_out = tuple(float(moment) for moment in saved["given_out"])
            return Token(str(saved["access"]), saved["refresh"], float(saved["expires_at"]), given_out)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def save(self, token: Token) -> None:
        """Keep a token in place of the one before it."""
        write_private(self.path, json.dumps(asdict(token)))


@dataclass(slots=True)
class TokenKeeper:
    """Hands out the token, and gets another when it ends; any number of tasks may ask at the same time."""

    client: httpx.AsyncClient
    account: Account
    store: TokenStore = field(default_factory=MemoryTokenStore)
    url: str = TOKEN_URL
    clock: Callable[[], float] = time.time
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _refused: set[str] = field(default_factory=set, init=False)

    async def current(self) -> str:
        """Return a token that SoundCloud should accept.

        Raises `NotAllowed` for an account it does not know, `Throttled` when it would give out no more, `Unavailable`.
        """
        async with self._lock:
            token = self.store.load()
            if token and token.access not in self._refused and self.clock() < token.expires_at - _EARLY_S:
                return token.access
            given_out = self._within_limits(token.given_out if token else ())
            renewed = await self._refreshed(token) or await self._asked({"grant_type": "client_credentials"})
            self.store.save(replace(renewed, given_out=(*given_out, self.clock())))
            return renewed.access

    def refuse(self, access: str) -> None:
        """Note that SoundCloud did not accept a token, whatever its end."""
        self._refused.add(access)

    def _within_limits(self, given_out: tuple[float, ...]) -> tuple[float, ...]:
        now = self.clock()
        for seconds, most in LIMITS:
            recent = sorted(moment for moment in given_out if moment > now - seconds)
            if len(recent) >= most:
                wait = recent[-most] + seconds - now
                raise Throttled(f"SoundCloud gives out {most} tokens in {seconds / 3600:.0f} h, and has", wait)
        return tuple(moment for moment in given_out if moment > now - LIMITS[-1][0])

    async def _refreshed(self, token: Token | None) -> Token | None:
        if token is None or token.refresh is None:
            return None
        try:
            # It may be used once: whoever comes second is refused and asks with the account instead.
            return await self._asked({"grant_type": "refresh_token", "refresh_token": token.refresh})
        except NotAllowed:
            return None

    async def _asked(self, form: dict[str, str]) -> Token:
        try:
            response = await self.client.post(
                self.url,
                data=form,
                auth=(self.account.client_id, self.account.client_secret),
                headers={"Accept": "application/json; charset=utf-8"},
            )
        except httpx.HTTPError as error:
            raise Unavailable(f"SoundCloud gave no token: {type(error).__name__}") from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise Throttled(f"SoundCloud gives no token: {said(response.content)}", None)
        if response.status_code >= 500:
            raise Unavailable(f"SoundCloud gave no token: {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise NotAllowed(
                f"SoundCloud gives no token ({response.status_code} {said(response.content)}); check the client id and "
                "secret, and that the account may use the API"
            )
        try:
            reply = response.json()
            return Token(
                str(reply["access_token"]), reply.get("refresh_token"), self.clock() + float(reply["expires_in"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableReply("SoundCloud's token cannot be read") from error
