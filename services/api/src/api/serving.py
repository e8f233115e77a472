"""The HTTP server: it ends without failing a request."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

import uvicorn

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from api.settings import ApiSettings

# Requests are given this long to end after SIGTERM; every one of them is limited to ten seconds.
GRACE_S: Final = 12

# Addresses may be long: twenty tracks and two hundred to leave out, each as somebody pasted it.
LARGEST_HEAD_BYTES: Final = 256 * 1024


class Server(uvicorn.Server):
    """uvicorn, which after a signal takes no new connection and ends with the last request, or after `GRACE_S`.

    Where a load balancer stands in front, SIGTERM first makes `/readyz` answer 503 for `drain_s` seconds while
    everything is still answered: the balancer sees it and sends new requests elsewhere. A second signal ends that wait.
    """

    def __init__(self, app: FastAPI, settings: ApiSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.api_host,
                port=settings.api_port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                http="h11",
                h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            )
        )
        self._app = app
        self._drain_s = settings.api_drain_s
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if sig == signal.SIGTERM and self._drain_s > 0 and self._ends_at is None:
            self._captured_signals.append(sig)
            self._ends_at = time.monotonic() + self._drain_s
            self._app.state.draining = True
        else:
            self._app.state.draining = True
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Tell, several times a second, whether the time has come."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)
