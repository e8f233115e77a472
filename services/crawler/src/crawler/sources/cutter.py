"""Cutting previews in processes of their own, so that a broken file takes down nothing else.

Run as `python -m crawler.sources.cutter FD MODULE:FUNCTION` it is that process: it answers with plain bytes and never a
pickle, since what a hostile file makes of it must not reach the parent as code.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from audio import cut, errors
from audio.errors import AudioError, DecoderCrashed, TooDemanding, Undecodable
from crawler.errors import CrawlerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SECONDS_LIMIT: Final = 60.0
_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 5.0
_DONE: Final = b"+"
# Any other end (killed for want of memory, a Python that cannot start) says nothing about the file.
_DEATHS_BY_FILE: Final = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE})


class CutterUnavailable(CrawlerError):
    """The decoding process could not do its work, through no fault of the file."""


class Cutter:
    """Cuts in a persistent child process, one file at a time; use it as a context manager or `close` it.

    `function` runs in the child and must be importable there by its module and name.
    """

    def __init__(self, *, seconds: float = SECONDS_LIMIT, function: Callable[[Path], bytes] = cut) -> None:
        self._seconds = seconds
        self._function = f"{function.__module__}:{function.__qualname__}"
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    def cut(self, path: Path) -> bytes:
        """Return the preview as FLAC.

        Raises as `audio.cut`, and `TooDemanding`, `DecoderCrashed` (by this file), `CutterUnavailable`, `OSError`.
        """
        with self._lock:
            if self._closed:
                raise CutterUnavailable("the decoding process was ended")
            child = self._child = self._child or _Child(self._function)
            try:
                answer = child.ask(path, self._seconds)
            except BaseException:
                # An answer may still be on its way, so this child cannot be asked again.
                self._child = None
                child.end()
                child.disconnect()
                raise
        return _content(answer)

    def close(self) -> None:
        """End the child process, also while it is at work."""
        self._closed = True
        if (child := self._child) is not None:
            child.end()
            # Whoever waits for an answer hears of the end, and leaves the lock.
            with self._lock:
                child.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Child:
    def __init__(self, function: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # -P: a file in the working directory must not pass for one of the modules.
                [sys.executable, "-P", "-m", __spec__.name, str(theirs.fileno()), function],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # The C libraries print warnings that nobody can act on, into the middle of the progress bar.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # A decoder needs no threads of its own.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self._connection = Connection(ours.detach())
        self._started = False

    def ask(self, path: Path, seconds: float) -> bytes:
        try:
            if not self._started:
                if not self._connection.poll(_START_SECONDS):
                    raise CutterUnavailable(f"the decoding process did not start within {_START_SECONDS:g} s")
                self._connection.recv_bytes()
                self._started = True
            self._connection.send_bytes(os.fsencode(path))
            if not self._connection.poll(seconds):
                raise TooDemanding(f"reading it took longer than {seconds:g} s")
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            status = self._status()
            kind = DecoderCrashed if self._started and status in _DEATHS_BY_FILE else CutterUnavailable
            raise kind(f"the decoding process ended with status {status}") from error

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def disconnect(self) -> None:
        self._connection.close()

    def _status(self) -> int:
        try:
            return self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _content(answer: bytes) -> bytes:
    if answer[:1] == _DONE:
        return answer[1:]
    kind, message = json.loads(answer)
    if kind == "MemoryError":
        raise TooDemanding("reading it needs more memory than there is")
    known = getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, AudioError):
        raise known(message)
    raise OSError(message) if kind == "OSError" else Undecodable(message)


def _serve(connection: Connection, function: Callable[[Path], bytes]) -> None:
    """Answer paths with a mark and the preview, or with what went wrong."""
    connection.send_bytes(b"ready")
    while True:
        try:
            path = Path(os.fsdecode(connection.recv_bytes()))
        except EOFError:
            return
        try:
            connection.send_bytes(_DONE + function(path))
        except OSError as error:
            connection.send_bytes(json.dumps(["OSError", error.strerror or str(error)]).encode())
        except (AudioError, MemoryError) as error:
            connection.send_bytes(json.dumps([type(error).__name__, str(error)]).encode())


def main() -> None:
    """Run the child."""
    # Ctrl-C reaches the whole foreground group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, function = sys.argv[1:]
    module, _, name = function.partition(":")
    with Connection(int(descriptor)) as connection:
        _serve(connection, getattr(importlib.import_module(module), name))


if __name__ == "__main__":
    main()
