"""Access tokens: handed out, checked, and run out."""

import secrets
import time
from enum import Enum, auto


class TokenState(Enum):
    """What a token is good for."""

    VALID = auto()
    EXPIRED = auto()
    UNKNOWN = auto()


class Tokens:
    """The access tokens that were issued, with the moment at which each runs out."""

    def __init__(self, lifetime: int) -> None:
        self.lifetime = lifetime
        self._ends: dict[str, float] = {}

    def issue(self) -> str:
        """Return a new token that is valid for `lifetime` seconds."""
        token = f"BQ{secrets.token_urlsafe(64)}"
        self._ends[token] = time.monotonic() + self.lifetime
        return token

    def state(self, token: str) -> TokenState:
        """Return whether a token is valid now."""
        end = self._ends.get(token)
        if end is None:
            return TokenState.UNKNOWN
        return TokenState.VALID if time.monotonic() < end else TokenState.EXPIRED

    def expire_all(self) -> None:
        """Let every token run out now, whatever lifetime it was issued with."""
        self._ends = dict.fromkeys(self._ends, float("-inf"))
