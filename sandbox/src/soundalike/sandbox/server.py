"""Runs the sandbox in this process, on a thread of its own."""

import logging
import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

import uvicorn

from soundalike.sandbox.errors import ServerNotStarted
from soundalike.sandbox.spotify import create_app
from soundalike.sandbox.state import Sandbox

_logger = logging.getLogger(__name__)
_START_TIMEOUT_S: Final = 20.0


class SandboxServer:
    """Context manager: inside it the sandbox answers at `.url`, on loopback and a free port.

    `.sandbox` holds its settings, library, faults, journal and tokens. With `compose_ahead` the demo's music is
    composed in the background from the start instead of on demand.
    """

    def __init__(
        self,
        sandbox: Sandbox | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        compose_ahead: bool = False,
    ) -> None:
        self.sandbox = sandbox or Sandbox()
        self._address = (host, port)
        self._composer = BackgroundComposer(self.sandbox) if compose_ahead else None
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.sandbox),
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; ServerNotStarted outside the context."""
        if self._socket is None:
            raise ServerNotStarted("The sandbox has an address only inside its `with` statement.")
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def api_url(self) -> str:
        """Base URL of the Web API with a slash at its end, for `Spotify.prefix`."""
        return f"{self.url}/v1/"

    @property
    def deezer_url(self) -> str:
        """Base URL of Deezer's API with a slash at its end."""
        return f"{self.url}/deezer/"

    @property
    def itunes_url(self) -> str:
        """Base URL of the iTunes Search API with a slash at its end."""
        return f"{self.url}/itunes/"

    @property
    def soundcloud_url(self) -> str:
        """Base URL of SoundCloud's API; its token endpoint lies at `/oauth/token` below it."""
        return f"{self.url}/soundcloud"

    @property
    def token_url(self) -> str:
        """URL of the token endpoint, for `OAUTH_TOKEN_URL`."""
        return f"{self.url}/api/token"

    def __enter__(self) -> Self:
        """Start; ServerNotStarted if it does not listen within 20 s."""
        self._socket = socket.create_server(self._address)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self._server.should_exit = True
                self._socket.close()
                raise ServerNotStarted(f"The sandbox did not start on {self._address}.")
            time.sleep(0.01)
        if self._composer is not None:
            self._composer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and wait until the port is free."""
        if self._composer is not None:
            self._composer.stop()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class BackgroundComposer:
    """Composes the previews of all pieces in the background, in the order of the demo playlist."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stop_requested = threading.Event()
        self._thread = threading.Thread(target=self._compose, name="sandbox-composer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait until every piece is composed."""
        self._thread.join()

    def stop(self) -> None:
        """Stop after the current piece."""
        self._stop_requested.set()
        self._thread.join()

    def _compose(self) -> None:
        for piece in self._sandbox.library.pieces():
            if self._stop_requested.is_set():
                return
            self._sandbox.previews.mp3(piece)
        _logger.info("all pieces are composed")
