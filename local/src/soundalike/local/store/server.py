"""The HTTP server of the store: connections on which no request comes are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

    from soundalike.local.store.application import Store

_HEAD_TIMEOUT_S: Final = 20.0
_KEEP_ALIVE_S: Final = 75
# Long polls wait for messages, and would be waited for.
_GRACE_S: Final = 2


class HeadTimeoutProtocol(H11Protocol):
    """uvicorn's stricter protocol, which by itself would wait for ever for the head of the first request."""

    _head_timer: asyncio.TimerHandle | None = None

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
        incomplete = self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None
        if not incomplete:
            self._forget_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.abort()

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def configuration(store: Store, host: str, port: int) -> uvicorn.Config:
    """Build uvicorn's configuration."""
    options: dict[str, Any] = {"http": HeadTimeoutProtocol, "ws": "none", "lifespan": "on", "loop": "asyncio"}
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
