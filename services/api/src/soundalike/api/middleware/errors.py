"""Problem details for every error, also those of the framework and of bugs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from soundalike.api import problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


class ProblemMiddleware:
    """ASGI middleware that makes a problem of an exception, and of an error that the framework sends as plain text.

    It is inside of what adds headers to answers, so that these errors have them too. An error after the first byte is
    raised again, for the server to break the connection: half an answer must not look like a whole one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and make every failure of it a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def contained(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400 and Headers(scope=message).get("content-type", "").startswith("text/plain"):
                    replaced = True
                    await problems.http(message["status"]).response()(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, contained)
        except Exception:
            log.exception("%s %s failed", scope["method"], getattr(scope.get("route"), "path", scope["path"]))
            if started:
                raise
            await problems.internal_error().response()(scope, receive, send)
