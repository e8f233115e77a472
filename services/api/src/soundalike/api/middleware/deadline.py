"""The longest time until an answer begins, and the end of work for a client that has gone away."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import Response

from soundalike.api import problems

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LIMIT_S: Final = 10.0
"""How long a request may take until its answer begins; a route that takes a file adds the time it takes to arrive."""

CLIENT_CLOSED: Final = 499
"""What the log and the metrics show where a client did not wait for its answer; nobody is sent it."""

# Most answers are there sooner, and nobody has to look after the client meanwhile.
_UNWATCHED_S: Final = 0.2
_KEY: Final = "deadline"


class Deadline:
    """When the answer to a request has to begin."""

    def __init__(self, limit_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.limit_s = limit_s
        self._at = self._loop.time() + limit_s

    @classmethod
    def of(cls, scope: Scope) -> Deadline:
        """Return the deadline of a request."""
        deadline: Deadline = scope[_KEY]
        return deadline

    @property
    def remaining_s(self) -> float:
        """How many seconds are left; negative where it has passed."""
        return self._at - self._loop.time()

    def restart(self, extra_s: float = 0.0) -> None:
        """Give a request its whole time again from now on, and `extra_s` seconds more."""
        self._at = self._loop.time() + self.limit_s + extra_s


class DeadlineMiddleware:
    """ASGI middleware that answers 503 where the app has not begun to answer in time, and stops its work.

    It does not wait until that work has stopped: a thread cannot be interrupted, and a statement that is taken back
    waits for a database that may not answer. Work for a client that has gone away is stopped as well.
    """

    def __init__(self, app: ASGIApp, limit_s: float = LIMIT_S) -> None:
        self._app = app
        self._limit_s = limit_s
        self._stopped: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and see that it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline = scope[_KEY] = Deadline(self._limit_s)
        exchange = _Exchange(scope, receive, send)
        task = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            await self._watch(task, exchange, deadline)
        finally:
            exchange.close()
            if not task.done():
                task.cancel()
                self._stopped.add(task)
                task.add_done_callback(self._forget)
        if task.done():
            await task
            return
        if exchange.is_client_gone:
            await Response(status_code=CLIENT_CLOSED)(scope, receive, send)
            return
        log.warning("%s %s is stopped after %.1f s", scope["method"], scope["path"], deadline.limit_s)
        await problems.deadline_exceeded(deadline.limit_s).response()(scope, receive, send)

    async def _watch(self, task: asyncio.Future[None], exchange: _Exchange, deadline: Deadline) -> None:
        """Return when the task is done, or is to be stopped."""
        await asyncio.wait({task}, timeout=min(_UNWATCHED_S, deadline.remaining_s))
        while not task.done() and not exchange.is_client_gone and (exchange.is_answering or deadline.remaining_s > 0):
            # A deadline may have been moved meanwhile, so that none is slept through.
            timeout_s = None if exchange.is_answering else max(0.0, min(deadline.remaining_s, deadline.limit_s))
            await asyncio.wait({task, exchange.change()}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._stopped.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("a stopped request ended with: %r", error)


class _Exchange:
    """Receive and send of one request, with an eye on the client; after `close` the app reaches nobody."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._turn = asyncio.Lock()
        self._first: Message | None = None
        self._is_read = False
        self._is_closed = False
        self._departure: asyncio.Task[None] | None = None
        self._change: asyncio.Future[None] | None = None
        self.is_answering = False
        self.is_client_gone = False

    async def receive(self) -> Message:
        """Return the next message for the app; it alone reads a body."""
        async with self._turn:
            if self._first is not None:
                message, self._first = self._first, None
                return message
            if not self._is_read:
                message = await self._receive()
                self._is_read = message["type"] == "http.disconnect" or not message.get("more_body", False)
                self.is_client_gone = message["type"] == "http.disconnect" and not self.is_answering
                if self._is_read:
                    self._tell()
                return message
        await asyncio.shield(self._client_departure())
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a message of the app, unless somebody else has answered."""
        if self._is_closed:
            return
        if message["type"] == "http.response.start":
            self.is_answering = True
            self._tell()
        await self._send(message)

    def change(self) -> asyncio.Future[None]:
        """Return what ends when the answer begins, the body has been read, or the client has gone away."""
        if self._is_read or not self._has_body():
            self._client_departure()
        if self._change is None or self._change.done():
            self._change = asyncio.get_running_loop().create_future()
        return self._change

    def close(self) -> None:
        """Send nothing any more, and look after the client no longer."""
        self._is_closed = True
        if self._departure is not None:
            self._departure.cancel()
        if self._change is not None:
            self._change.cancel()

    def _tell(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def _has_body(self) -> bool:
        headers = Headers(scope=self._scope)
        return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"

    def _client_departure(self) -> asyncio.Task[None]:
        if self._departure is None:
            self._departure = asyncio.create_task(self._await_departure())
        return self._departure

    async def _await_departure(self) -> None:
        async with self._turn:
            if not self._is_read:
                # Without a body this is there at once, and the app may still want it.
                self._first = await self._receive()
                self._is_read = True
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_client_gone = not self.is_answering
        self._tell()
