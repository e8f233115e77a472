"""HEAD is answered as GET is, without the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEY: Final = "is_head"


def is_head(scope: Scope) -> bool:
    """Tell whether a GET is the GET of a HEAD: a stream without an end need not begin for it."""
    return _KEY in scope


class HeadMiddleware:
    """ASGI middleware that lets the app answer HEAD as GET, and keeps the body back.

    The framework answers 405 where a route says GET only. What is outside of this sees HEAD, what is inside sees GET,
    so that length and tag are those of the answer to GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        inner = {**scope, "method": "GET", _KEY: True}
        try:
            await self._app(inner, receive, without_body)
        finally:
            # The route, and who called: what is outside tells them.
            scope.update({name: value for name, value in inner.items() if name not in scope})
