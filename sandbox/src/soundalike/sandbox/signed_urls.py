"""URLs that expire, in the form of Akamai's tokens: `hdnea=exp=…~acl=…~data=…~hmac=…`."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

_TOKEN: Final = re.compile(
    r"hdnea=(?P<payload>exp=(?P<end>\d+)~acl=(?P<path>[^~]*)\*~data=[^~]*)~hmac=(?P<hmac>[0-9a-f]{64})"
)


class Signer:
    """Signs paths for `lifetime` seconds."""

    def __init__(self, lifetime: float = 900, clock: Callable[[], float] = time.time) -> None:
        self.lifetime = lifetime
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def token(self, path: str) -> str:
        """Return the query string that allows a path."""
        end = int(self._clock() + self.lifetime)
        payload = f"exp={end}~acl={path}*~data=user_id=0,application_id=42"
        return f"hdnea={payload}~hmac={self._hmac(payload)}"

    def allows(self, path: str, query: str) -> bool:
        """Tell whether a query string allows a path now."""
        token = _TOKEN.fullmatch(query)
        if (
            token is None
            or not path.startswith(token["path"])
            or not hmac.compare_digest(token["hmac"], self._hmac(token["payload"]))
        ):
            return False
        return self._clock() < int(token["end"])

    def expire_all(self) -> None:
        """Let every URL expire now."""
        self._key = secrets.token_bytes(32)

    def _hmac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
