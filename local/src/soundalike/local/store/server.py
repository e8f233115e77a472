"""The HTTP server of the store: connections on which no request comes are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from soundalike.local.store.application import Store

_HEAD_TIMEOUT_S: Final = 20.0
_MAX_WITHOUT_REQUEST: Final = 512
_KEEP_ALIVE_S: Final = 75
# Long polls wait for messages, and would be waited for.
_GRACE_S: Final = 2


class LimitedH11Protocol(H11Protocol):
    """uvicorn's stricter protocol, which by itself waits for ever for a request, on any number of connections.

    Only signed requests leave a connection open, so whoever has no keys holds no more than `_MAX_WITHOUT_REQUEST`.
    """

    # Of all connections on which a head has not come, the oldest first, when it is given up.
    _timers: ClassVar[dict[LimitedH11Protocol, asyncio.TimerHandle]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        self._forget_timer()
        super().connection_lost(exc)

    def _watch_head(self) -> None:
        # Between requests uvicorn's own limit for idle connections counts.
        if self.conn.their_state is not h11.IDLE or self.timeout_keep_alive_task is not None:
            self._forget_timer()
        elif self not in self._timers:
            self._timers[self] = self.loop.call_later(_HEAD_TIMEOUT_S, self.give_up)
            if len(self._timers) > _MAX_WITHOUT_REQUEST:
                next(iter(self._timers)).give_up()

    def give_up(self) -> None:
        """Close the connection."""
        self._forget_timer()
        self.transport.abort()

    def _forget_timer(self) -> None:
        if (timer := self._timers.pop(self, None)) is not None:
            timer.cancel()


def configuration(store: Store, host: str, port: int) -> uvicorn.Config:
    """Build uvicorn's configuration."""
    options: dict[str, Any] = {"http": LimitedH11Protocol, "ws": "none", "lifespan": "on", "loop": "asyncio"}
    return uvicorn.Config(
        store,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        **options,
    )
