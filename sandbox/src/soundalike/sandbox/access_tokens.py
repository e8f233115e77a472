"""Access tokens, their expiry, and the grants behind them."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from fastapi import Request

from soundalike.sandbox.spotify_errors import ApiError

SCOPES: Final = frozenset({"playlist-read-private", "playlist-read-collaborative", "user-library-read"})


class TokenState(Enum):
    """Whether a token is valid."""

    VALID = auto()
    EXPIRED = auto()
    UNKNOWN = auto()


class Tokens:
    """The access tokens, with expiry and scopes of each."""

    def __init__(self, lifetime: int) -> None:
        self.lifetime = lifetime
        self._ends: dict[str, float] = {}
        self._scopes: dict[str, frozenset[str]] = {}

    def issue(self, scopes: frozenset[str] = frozenset()) -> str:
        """Return a new token that is valid for `lifetime` seconds; with scopes it is a user's, else an app's."""
        token = f"BQ{secrets.token_urlsafe(64)}"
        self._ends[token] = time.monotonic() + self.lifetime
        self._scopes[token] = scopes
        return token

    def state(self, token: str) -> TokenState:
        """Return whether a token is valid now."""
        end = self._ends.get(token)
        if end is None:
            return TokenState.UNKNOWN
        return TokenState.VALID if time.monotonic() < end else TokenState.EXPIRED

    def scopes(self, token: str) -> frozenset[str]:
        """Return the scopes that the user of a token granted; none where there is no user."""
        return self._scopes.get(token, frozenset())

    def expire_all(self) -> None:
        """Let every token expire now."""
        self._ends = dict.fromkeys(self._ends, float("-inf"))


@dataclass(frozen=True)
class Consent:
    """What a user has granted, until the code for it is redeemed."""

    redirect_uri: str
    scopes: frozenset[str]
    challenge: str | None

    def is_proven_by(self, verifier: str | None) -> bool:
        """Tell whether the client that redeems the code is the one that requested it (RFC 7636, S256)."""
        if self.challenge is None:
            return True
        digest = hashlib.sha256((verifier or "").encode()).digest()
        return secrets.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), self.challenge)


class Grants:
    """Codes that are not redeemed yet, and refresh tokens with their scopes."""

    def __init__(self, refresh_token: str) -> None:
        self.deny = False
        """Set it to let the user refuse."""
        self._codes: dict[str, Consent] = {}
        self._refresh: dict[str, frozenset[str]] = {refresh_token: SCOPES}

    def code_for(self, consent: Consent) -> str:
        """Return a code that can be redeemed once."""
        code = f"AQ{secrets.token_urlsafe(32)}"
        self._codes[code] = consent
        return code

    def redeem(self, code: str) -> Consent | None:
        """Return the consent behind a code, and delete it."""
        return self._codes.pop(code, None)

    def refresh_token_for(self, scopes: frozenset[str]) -> str:
        """Return a new refresh token."""
        token = f"AQ{secrets.token_urlsafe(48)}"
        self._refresh[token] = scopes
        return token

    def refreshable_scopes(self, token: str) -> frozenset[str] | None:
        """Return the scopes of a refresh token, None for an unknown one."""
        return self._refresh.get(token)

    def revoke(self, token: str) -> None:
        """Invalidate a refresh token."""
        self._refresh.pop(token, None)


class Bearer:
    """A dependency of routes that requires a valid token, and where `scope` is set a user who granted it."""

    def __init__(self, tokens: Tokens, scope: str | None = None) -> None:
        self._tokens = tokens
        self._scope = scope

    def __call__(self, request: Request) -> None:
        """Check one request."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            raise ApiError(401, "No token provided", {"WWW-Authenticate": 'Bearer realm="spotify"'})
        state = self._tokens.state(token) if scheme.lower() == "bearer" else TokenState.UNKNOWN
        if state is not TokenState.VALID:
            message = "The access token expired" if state is TokenState.EXPIRED else "Invalid access token"
            challenge = f'Bearer realm="spotify", error="invalid_token", error_description="{message}"'
            raise ApiError(401, message, {"WWW-Authenticate": challenge})
        if self._scope and self._scope not in self._tokens.scopes(token):
            raise ApiError(403, "Insufficient client scope")
