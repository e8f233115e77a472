"""Between the socket and the routes: applies faults and writes the journal."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soundalike.sandbox.faults import Fault, Faults
from soundalike.sandbox.journal import Journal, JournalEntry

_EXEMPT_PATHS: Final = ("/_sandbox/", "/healthz")


class FaultInjection:
    """ASGI middleware; the control routes and the health check are exempt."""

    def __init__(self, app: ASGIApp, faults: Faults, journal: Journal) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(_EXEMPT_PATHS):
            await self._app(scope, receive, send)
            return
        method, path, query = scope["method"], scope["path"], scope["query_string"].decode("latin-1")

        async def send_and_record(message: Message) -> None:
            if message["type"] == "http.response.start":
                agent = Headers(scope=scope).get("user-agent", "")
                self._journal.write(JournalEntry(method, path, query, message["status"], agent))
            await send(message)

        fault = self._faults.take(method, path, query)
        if fault is not None and fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault is not None and fault.status is not None:
            await _fault_response(fault, fault.status)(scope, receive, send_and_record)
        else:
            await self._app(scope, receive, send_and_record)


def _fault_response(fault: Fault, status: int) -> Response:
    body = fault.response_body()
    if isinstance(body, str):
        return Response(body, status, fault.headers)
    return JSONResponse(body, status, fault.headers)
