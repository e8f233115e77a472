"""Headers that tell browsers what an answer may not be used for, on every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.api.security_headers import SECURITY_HEADERS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeadersMiddleware:
    """ASGI middleware that adds `SECURITY_HEADERS` to each answer; what a route sets itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and add to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name for name, _ in headers}
                headers += [each for each in SECURITY_HEADERS if each[0] not in present]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, secured)
