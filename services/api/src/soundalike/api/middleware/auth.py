"""Access control: reading and writing are open, local or need a key, decided before a body is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, QueryParams

from soundalike.api import problems, signed_links
from soundalike.api.errors import InvalidLink, KeysUnavailable
from soundalike.api.locality import Locality
from soundalike.api.settings import Access, MetricsAccess
from soundalike.db.api_keys import Scope as KeyScope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from soundalike.api.keyring import Keyring
    from soundalike.api.rate_limit import RateLimiter
    from soundalike.db.api_keys import ValidKey

METRICS_PATH: Final = "/metrics"
OPEN_PATHS: Final = frozenset({"/", "/docs", "/redoc", "/openapi.json", "/healthz", "/readyz"})
"""Open to everybody: the page, the documentation, and the health checks of an orchestrator."""

DOCS_FILES: Final = "/docs/"
"""What the pages of the documentation consist of lies below it; open as they are."""

PAGE_FILES: Final = "/page/"
"""What the page consists of lies below it: nothing of the catalogue; the page asks for a key where one is needed."""

AUDIO_PATHS: Final = ("/audio/", "/audio-links/")
"""The sound of own files: for who is at this machine or has a key, whatever else is open to everybody."""

MANAGEMENT_PATHS: Final = ("/crawls", "/dead-letters")
"""What changes the platform: for who is at this machine or has a key, even where writing is open to everybody."""

REASONS_PATH: Final = "/dead-letters"
"""Reading it takes what changing it takes: reasons tell of the inside of the platform."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What is open, what is local and what needs a key."""

    reads: Access
    writes: Access
    metrics: MetricsAccess
    locality: Locality = field(default_factory=Locality)

    def access(self, method: str, path: str) -> tuple[Access, KeyScope]:
        """Return who may call this, and what a key has to allow for it.

        Every call that is not a reading one is a writing one, so that a new route is guarded without saying so.
        """
        if path == REASONS_PATH or (method not in SAFE_METHODS and path.startswith(MANAGEMENT_PATHS)):
            return Access.LOCAL if self.writes is Access.OPEN else self.writes, KeyScope.WRITE
        if method not in SAFE_METHODS:
            return self.writes, KeyScope.WRITE
        if path == METRICS_PATH:
            # Where they are off there is no such address.
            off = self.metrics is MetricsAccess.OFF
            return self.reads if off else Access(self.metrics.value), KeyScope.READ
        if path in OPEN_PATHS or path.startswith((DOCS_FILES, PAGE_FILES)):
            return Access.OPEN, KeyScope.READ
        if path.startswith(AUDIO_PATHS):
            return Access.LOCAL if self.reads is Access.OPEN else self.reads, KeyScope.READ
        return self.reads, KeyScope.READ


class AuthMiddleware:
    """ASGI middleware that answers 401, 403 or 429 in place of the app; `scope["caller"]` names the holder of the key.

    In place of a header with a key a signed link counts (`api.signed_links`), for what browsers request without headers
    of a page's choice. `scope["key"]` is the key that lets a request in, missing where it needs none.

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
        headers, locality = Headers(scope=scope), self._rules.locality
        name = locality.unknown_host(headers)
        if name is not None:
            return problems.unknown_host(name)
        if scope["method"] not in SAFE_METHODS and locality.is_foreign_page(headers):
            return problems.cross_origin_request()
        access, required = self._rules.access(scope["method"], scope["path"])
        if access is Access.OPEN or (access is Access.LOCAL and locality.is_local(scope, headers)):
            return None
        key = self._key(scope, headers)
        if isinstance(key, problems.Problem):
            return key
        if key is None:
            return problems.key_required(required, key_sent="authorization" in headers, local=access is Access.LOCAL)
        scope["caller"], scope["key"] = key.holder, key
        return self._check_write(key) if required is KeyScope.WRITE else None

    def _key(self, scope: Scope, headers: Headers) -> ValidKey | problems.Problem | None:
        subject = signed_links.subject_of(scope["path"]) if scope["method"] in SAFE_METHODS else None
        try:
            key = self._keyring.of_headers(headers)
            if key is None and subject is not None:
                key = signed_links.key_of(QueryParams(scope["query_string"]), subject, self._keyring)
        except KeysUnavailable as error:
            return problems.not_serving({"keys": str(error)})
        except InvalidLink as error:
            return problems.invalid_link(str(error))
        return key

    def _check_write(self, key: ValidKey) -> problems.Problem | None:
        if key.scope is not KeyScope.WRITE:
            return problems.write_scope_required()
        wait_s = self._rate_limiter.acquire(key.holder)
        return problems.rate_limit_exceeded(self._rate_limiter.per_minute, math.ceil(wait_s)) if wait_s else None
