"""The decoding process as its parent sees it (see `audio.decoder_process` for its other side)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, Self

from soundalike.audio.errors import DecoderCrashed, DecoderUnavailable, TooDemanding

if TYPE_CHECKING:
    from types import TracebackType

_START_SECONDS: Final = 60.0
_LONGEST_HEAD: Final = 1 << 16
_LONGEST_ANSWER: Final = 1 << 30
# Any other end (killed for want of memory, a Python that cannot start) says nothing about the file.
_DEATHS_BY_FILE: Final = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL})


class Child:
    """A process that runs one function on what it is sent, one request after the other."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    def start(cls, function: str, memory: int) -> Self:
        """Start it and wait until it is ready; raises `DecoderUnavailable`."""
        ours, theirs = socket.socketpair()
        # A decoder needs no threads of its own, and each would reserve address space under the limit.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with theirs:
            process = subprocess.Popen(
                # -P: a file in the working directory must not pass for one of the modules.
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "soundalike.audio.decoder_process",
                    str(theirs.fileno()),
                    function,
                    str(memory),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # The C libraries write warnings there that nobody can act on; failures come by the connection.
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        child = cls(process, Connection(ours.detach()))
        try:
            with _Deadline(process, _START_SECONDS) as deadline:
                child._connection.recv_bytes()
        except (EOFError, OSError) as error:
            child.end()
            child.disconnect()
            why = "did not start in time" if deadline.passed else f"ended with status {process.returncode} at its start"
            raise DecoderUnavailable(f"the decoding process {why}") from error
        return child

    def is_alive(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None

    def ask(self, request: tuple[bytes, bytes], seconds: float) -> tuple[dict[str, object], bytes]:
        """Return head and content of its answer; raises `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`."""
        try:
            with _Deadline(self._process, seconds) as deadline:
                for part in request:
                    self._connection.send_bytes(part)
                head = json.loads(self._connection.recv_bytes(_LONGEST_HEAD))
                content = self._connection.recv_bytes(_LONGEST_ANSWER)
        except (EOFError, OSError) as error:
            # An answer that is too long ends the connection, not the process.
            self._process.kill() if self._connection.closed else None
            status = self._process.wait()
            if deadline.passed:
                raise TooDemanding(f"decoding it took longer than {seconds:g} s") from error
            kind = DecoderCrashed if status in _DEATHS_BY_FILE else DecoderUnavailable
            raise kind(f"the decoding process ended with status {status}") from error
        if not isinstance(head, dict):
            raise DecoderCrashed("the decoding process answered nonsense")
        return head, content

    def end(self) -> None:
        """Kill it, also while another thread waits for its answer; that one hears of it."""
        self._process.kill()
        self._process.wait()

    def disconnect(self) -> None:
        """Give the connection back, when nobody waits for an answer any more."""
        self._connection.close()


class _Deadline:
    """Kills a process when its time has passed, which ends every wait for it."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.passed = False
        self._process = process
        self._timer = threading.Timer(seconds, self._kill)
        self._timer.daemon = True

    def _kill(self) -> None:
        self.passed = True
        self._process.kill()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        # A timer that has just fired may still be about to kill; the process is then not to be used again.
        self._timer.join()
