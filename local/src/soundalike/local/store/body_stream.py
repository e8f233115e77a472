"""The body of a request as it comes in, part by part."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from soundalike.local.store.refusal import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_IDLE_TIMEOUT_S: Final = 60.0


class BodyStream:
    """The parts of a body; raises `RequestRefused` where they stop coming."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False
        self._rest = b""

    async def read(self) -> bytes:
        """Return what came next, or nothing at the end."""
        if rest := self._rest:
            self._rest = b""
            return rest
        while not self._ended:
            try:
                async with asyncio.timeout(_IDLE_TIMEOUT_S):
                    message = await self._receive()
            except TimeoutError as error:
                raise RequestRefused(400, "RequestTimeout", "The body of the request stopped coming.") from error
            if message["type"] != "http.request":
                raise incomplete_body()
            self._ended = not message.get("more_body", False)
            if part := message.get("body", b""):
                return bytes(part)
        return b""

    def give_back(self, rest: bytes) -> None:
        """Let `rest`, the end of what `read` returned, be read again."""
        self._rest = rest


def incomplete_body() -> RequestRefused:
    """Build the refusal of a body that does not have the length that was announced."""
    return RequestRefused(400, "IncompleteBody", "The body does not have the length that was announced.")
