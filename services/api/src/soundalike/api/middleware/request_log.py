"""The id, the log line and the metrics of every request."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders

from soundalike.api.middleware.auth import METRICS_PATH
from soundalike.api.problems import REQUEST_ID
from soundalike.logs import log_fields

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from soundalike.api.metrics import RequestMetrics

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"
NO_ROUTE: Final = "none"
_VALID_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
# What asks every few seconds would drown the rest.
_STREAM: Final = "text/event-stream"
_DEBUG_PATHS: Final = frozenset({"/healthz", "/readyz", METRICS_PATH})


class RequestLogMiddleware:
    """ASGI middleware: an id for each request, in its answer and in every line logged meanwhile, and a measurement.

    A caller's own `X-Request-ID` is taken over where it has at most 64 letters, digits and `._:-`. The query string is
    not logged: what people listen to is theirs.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and see what becomes of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own_id = Headers(scope=scope).get(HEADER, "")
        request_id = own_id if _VALID_ID.fullmatch(own_id) else uuid4().hex
        status, seconds = 500, None

        async def observed(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[HEADER] = request_id
                if headers.get("Content-Type", "").startswith(_STREAM):
                    # However long somebody looks, it is not the answer that takes so long.
                    seconds = time.perf_counter() - start
                if getattr(scope["app"].state, "draining", False):
                    # The next request had better go to another process.
                    headers["Connection"] = "close"
            await send(message)

        with log_fields(**{REQUEST_ID: request_id}), self._metrics.in_progress.track_inprogress():
            start = time.perf_counter()
            try:
                await self._app(scope, receive, observed)
            finally:
                self._record(scope, status, time.perf_counter() - start if seconds is None else seconds)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self._metrics.observe(scope["method"], route, status, seconds)
        path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0] or scope["path"]
        log.log(
            logging.DEBUG if scope["path"] in _DEBUG_PATHS else logging.INFO,
            "%s %s: %d in %.1f ms",
            scope["method"],
            path,
            status,
            1000 * seconds,
            extra={
                "fields": {
                    "method": scope["method"],
                    "path": path,
                    "route": route,
                    "status": status,
                    "ms": round(1000 * seconds, 3),
                    **({"caller": scope["caller"]} if "caller" in scope else {}),
                }
            },
        )
