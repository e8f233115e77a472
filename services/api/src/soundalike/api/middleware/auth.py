"""Access control: reading and writing are open or need a key, decided before a body is read."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from soundalike.api import problems
from soundalike.api.errors import KeysUnavailable
from soundalike.api.settings import Access, MetricsAccess
from soundalike.db.api_keys import Scope as KeyScope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from soundalike.api.keyring import Keyring
    from soundalike.api.rate_limit import RateLimiter
    from soundalike.db.api_keys import ValidKey

METRICS_PATH: Final = "/metrics"
OPEN_PATHS: Final = frozenset({"/", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json", "/healthz", "/readyz"})
"""Open to everybody: the documentation, and the health checks of an orchestrator."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER: Final = re.compile(r"bearer +(\S{1,200})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What is open and what needs a key; `origins` are the web pages that may write, beside the API's own."""

    reads: Access
    writes: Access
    metrics: MetricsAccess
    origins: frozenset[str] = frozenset()

    @property
    def uses_keys(self) -> bool:
        """Tell whether any request needs a key."""
        return Access.KEYED in {self.reads, self.writes} or self.metrics is MetricsAccess.KEYED

    def required_scope(self, method: str, path: str) -> KeyScope | None:
        """Return what a key has to allow for this call, None where it is open.

        Every call that is not a reading one is a writing one, so that a new route is guarded without saying so.
        """
        if method not in SAFE_METHODS:
            return KeyScope.WRITE if self.writes is Access.KEYED else None
        if path == METRICS_PATH:
            return KeyScope.READ if self.metrics is MetricsAccess.KEYED else None
        return KeyScope.READ if self.reads is Access.KEYED and path not in OPEN_PATHS else None


class AuthMiddleware:
    """ASGI middleware that answers 401, 403 or 429 in place of the app; `scope["caller"]` names the holder of the key.

    Not a dependency of the routes: FastAPI reads a body before it asks the dependencies, so that anybody could send
    whole files only to be refused.
    """

    def __init__(self, app: ASGIApp, rules: AccessRules, keyring: Keyring, rate_limiter: RateLimiter) -> None:
        self._app = app
        self._rules = rules
        self._keyring = keyring
        self._rate_limiter = rate_limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> problems.Problem | None:
        headers = Headers(scope=scope)
        if scope["method"] not in SAFE_METHODS and self._is_cross_origin(headers):
            return problems.cross_origin_request()
        required = self._rules.required_scope(scope["method"], scope["path"])
        if required is None:
            return None
        try:
            key = self._key(headers)
        except KeysUnavailable as error:
            return problems.not_serving({"keys": str(error)})
        if key is None:
            return problems.key_required(required, key_sent="authorization" in headers)
        scope["caller"] = key.holder
        return self._check_write(key) if required is KeyScope.WRITE else None

    def _check_write(self, key: ValidKey) -> problems.Problem | None:
        if key.scope is not KeyScope.WRITE:
            return problems.write_scope_required()
        wait_s = self._rate_limiter.acquire(key.holder)
        return problems.rate_limit_exceeded(self._rate_limiter.per_minute, math.ceil(wait_s)) if wait_s else None

    def _key(self, headers: Headers) -> ValidKey | None:
        bearer = _BEARER.fullmatch(headers.get("authorization", "").strip())
        return self._keyring.find(bearer[1]) if bearer else None

    def _is_cross_origin(self, headers: Headers) -> bool:
        """Tell whether another web page makes a browser write here: without keys, being on this machine would do."""
        origin = headers.get("origin")
        allowed = self._rules.origins
        if origin is None or origin in allowed or "*" in allowed:
            return False
        return origin.partition("://")[2] != headers.get("host", "")
