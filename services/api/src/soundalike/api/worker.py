"""`python -m soundalike.api.worker …`: one process of those on one port; `api.worker_supervisor` starts it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from soundalike import logs
from soundalike.api.app import create_app
from soundalike.api.multiprocess_metrics import MultiprocessMetrics
from soundalike.api.server import GRACE_S, STARTUP_FAILED, Server, ShutdownPhase
from soundalike.api.settings import ApiSettings
from soundalike.settings import load
from soundalike.terminal import escaped_tracebacks

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

READY: Final = b"s"
"""The message of a worker that answers."""

# Beyond `GRACE_S`, for what is closed after the last request.
_CLOSE_TIMEOUT_S: Final = 5.0


class Worker(Server):
    """A server that ends when the supervising process tells it over `channel`, or when that process is no more."""

    def __init__(self, app: FastAPI, settings: ApiSettings, channel: socket.socket) -> None:
        super().__init__(app, settings)
        self._channel = channel

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the supervisor ends it."""
        # A thread, so that it reads even while the event loop is busy.
        threading.Thread(target=self._follow_supervisor, daemon=True, name="supervisor").start()
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        if self.started:
            try:
                self._channel.sendall(READY)
            except OSError:
                self.advance_to(ShutdownPhase.CLOSING)

    def _follow_supervisor(self) -> None:
        while message := _receive(self._channel):
            self.advance_to(ShutdownPhase(message[0]))
        # However the supervisor ended, nobody else would end this one.
        self.advance_to(ShutdownPhase.CLOSING)
        time.sleep(GRACE_S + _CLOSE_TIMEOUT_S)
        os._exit(STARTUP_FAILED)


def main() -> None:
    """Serve on sockets that are open already."""
    parser = argparse.ArgumentParser(prog="python -m soundalike.api.worker")
    parser.add_argument("--worker", type=int, required=True, help="number of this worker")
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket to the supervisor")
    parser.add_argument("--listen", type=int, required=True, action="append", help="file descriptor of a bound socket")
    parser.add_argument("--metrics", type=Path, required=True, help="directory of the metrics of all workers")
    arguments = parser.parse_args()
    settings = load(ApiSettings)
    logs.configure("api")
    # uvicorn raises the signal again once everything has ended.
    signal.signal(signal.SIGTERM, _exit)
    with logs.log_fields(worker=arguments.worker), escaped_tracebacks():
        metrics = MultiprocessMetrics(arguments.metrics)
        metrics.identify_as(arguments.worker)
        server = Worker(create_app(settings, multiprocess=metrics), settings, socket.socket(fileno=arguments.channel))
        server.run([socket.socket(fileno=number) for number in arguments.listen])
    if not server.started:
        raise SystemExit(STARTUP_FAILED)


def _exit(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _receive(channel: socket.socket) -> bytes:
    try:
        return channel.recv(1)
    except OSError:
        return b""


if __name__ == "__main__":
    main()
