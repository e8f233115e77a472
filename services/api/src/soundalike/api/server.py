"""The HTTP server: it ends without failing a request."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from soundalike.api.connections import LIMITS_S, ConnectionState, ConnectionTable, connection_limit
from soundalike.api.http_protocol import LimitedHttpProtocol

if TYPE_CHECKING:
    from socket import socket
    from types import FrameType

    from fastapi import FastAPI

    from soundalike.api.settings import ApiSettings

log = logging.getLogger(__name__)

# Requests are given this long to end after SIGTERM. All are limited to ten seconds but uploads that still arrive.
GRACE_S: Final = 12

# Exit status of a process that never answered; uvicorn's own.
STARTUP_FAILED: Final = STARTUP_FAILURE

# uvicorn's ticks come ten times a second.
_TICKS_PER_SWEEP: Final = 10

# How many new objects, and how many rounds over those, before the next rounds over what is older.
_GC_THRESHOLDS: Final = (50_000, 20, 20)


class ShutdownPhase(IntEnum):
    """How far a process, or all that belong to one service, has come on its way to the end; it never goes back."""

    SERVING = 0
    DRAINING = 1  # says that it will end, and still answers everything
    CLOSING = 2  # takes no new connection and ends with the last request
    FORCED = 3

    def after_signal(self, sig: int, *, drains: bool) -> ShutdownPhase:
        """Return what a signal makes of it: the first may begin a wait, another ends it, a second Ctrl-C everything."""
        if self is ShutdownPhase.SERVING and sig == signal.SIGTERM and drains:
            return ShutdownPhase.DRAINING
        if self >= ShutdownPhase.CLOSING and sig == signal.SIGINT:
            return ShutdownPhase.FORCED
        return max(self, ShutdownPhase.CLOSING)


class Server(uvicorn.Server):
    """uvicorn, which after a signal takes no new connection and ends with the last request, or after `GRACE_S`.

    Where a load balancer stands in front, SIGTERM first makes `/readyz` answer 503 for `drain_s` seconds while
    everything is still answered: the balancer sees it and sends new requests elsewhere. A second signal ends that wait.
    """

    def __init__(self, app: FastAPI, settings: ApiSettings) -> None:
        limit = connection_limit(settings.api_max_connections)
        if limit < settings.api_max_connections:
            log.warning(
                "at most %d connections in place of %d: this process may open no more files (ulimit -n)",
                limit,
                settings.api_max_connections,
            )
        self._connections = ConnectionTable(limit)
        # uvicorn's word for it is a class, and it only calls it.
        protocol: Any = partial(LimitedHttpProtocol, table=self._connections)
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=int(LIMITS_S[ConnectionState.IDLE]),
                timeout_graceful_shutdown=GRACE_S,
                http=protocol,
                ws="none",
            )
        )
        self._app = app
        self._drain_s = settings.api_drain_s
        self._phase = ShutdownPhase.SERVING
        self._closes_at: float | None = None

    def run(self, sockets: list[socket] | None = None) -> None:
        """Serve until a signal comes."""
        # What is loaded by now stays: looking through it for garbage again and again took a twentieth of every answer.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        super().run(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Take a signal."""
        self._captured_signals.append(sig)
        self.advance_to(self._phase.after_signal(sig, drains=self._drain_s > 0))

    def advance_to(self, phase: ShutdownPhase) -> None:
        """Come so far on the way to the end; nothing where it has come further already."""
        if phase <= self._phase:
            return
        self._phase = phase
        self._app.state.draining = True
        if phase is ShutdownPhase.DRAINING:
            self._closes_at = time.monotonic() + self._drain_s
        else:
            self.should_exit = True
            self.force_exit = phase is ShutdownPhase.FORCED

    async def on_tick(self, counter: int) -> bool:
        """Tell, several times a second, whether the time has come; close connections that wait too long."""
        if counter % _TICKS_PER_SWEEP == 0:
            self._close_expired()
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            self.advance_to(ShutdownPhase.CLOSING)
        return await super().on_tick(counter)

    def _close_expired(self) -> None:
        table = self._connections
        expired = table.expire(asyncio.get_running_loop().time())
        # Idle ones are everyday life.
        slow = sum(count for state, count in expired.items() if state is not ConnectionState.IDLE)
        if slow:
            log.info("closed %d connections whose clients were too slow", slow)
        if table.displaced or table.refused:
            log.warning(
                "too many connections: %d had to give way, %d were refused (at most %d, half of them from one address)",
                table.displaced,
                table.refused,
                table.max_connections,
            )
            table.displaced = table.refused = 0
