"""The parent's side of the decoding process (`audio.decoder_process` is the other)."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import threading
from functools import cache
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, Self

from soundalike.audio.child_start import child_command, child_environment
from soundalike.audio.errors import DecoderCrashed, DecoderUnavailable, TooDemanding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import BinaryIO

log = logging.getLogger(__name__)

_START_TIMEOUT_S: Final = 60.0
_END_TIMEOUT_S: Final = 10.0
_MAX_HEAD_BYTES: Final = 1 << 16
# Any other end (killed for lack of memory, a Python that cannot start) says nothing about the file.
# Deaths that `audio.confinement.limit_cpu_time` brings about.
_OUT_OF_CPU_TIME: Final = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
_CRASH_SIGNALS: Final = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL})


class DecoderClient:
    """A child process that runs one function on what it is sent, one request after the other."""

    def __init__(self, process: subprocess.Popen[bytes], own_end: socket.socket) -> None:
        self._process = process
        self._files = own_end
        self._connection = Connection(os.dup(own_end.fileno()))

    @classmethod
    def start(cls, function: str, memory_bytes: int) -> Self:
        """Start it and wait until it is ready; raises `DecoderUnavailable`."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                child_command("soundalike.audio.decoder_process", str(theirs.fileno()), function, str(memory_bytes)),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # The C libraries write warnings there that nobody can act on; failures come by the connection.
                stderr=subprocess.DEVNULL,
                env=child_environment(),
            )
        client = cls(process, ours)
        try:
            with _Deadline(process, _START_TIMEOUT_S) as deadline:
                missing = json.loads(client._connection.recv_bytes(_MAX_HEAD_BYTES))
        except (EOFError, OSError, ValueError) as error:
            client.kill()
            client.close()
            reason = "did not start in time" if deadline.passed else f"ended at its start, status {process.returncode}"
            raise DecoderUnavailable(f"the decoding process {reason}") from error
        _log_missing(tuple(map(str, missing)))
        return client

    def is_alive(self) -> bool:
        """Tell whether it can take requests."""
        return self._process.poll() is None

    def request(
        self,
        source: bytes | BinaryIO,
        arguments: Mapping[str, object],
        *,
        cpu_s: float,
        timeout_s: float,
        max_bytes: int,
    ) -> tuple[dict[str, object], bytes]:
        """Return head and content (up to `max_bytes`) of its response to a file's content, or to a file that is open.

        `arguments` are the function's others, of what JSON can hold. It may take `cpu_s` seconds of the processor, and
        `timeout_s` in all. Raises `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`.
        """
        head = {"cpu_s": cpu_s, "is_descriptor": not isinstance(source, bytes), "arguments": dict(arguments)}
        request = json.dumps(head).encode()
        try:
            with _Deadline(self._process, timeout_s) as deadline:
                self._connection.send_bytes(request)
                self._connection.send_bytes(source if isinstance(source, bytes) else b"")
                if not isinstance(source, bytes):
                    socket.send_fds(self._files, [b"\0"], [source.fileno()])
                head = json.loads(self._connection.recv_bytes(_MAX_HEAD_BYTES))
                content = self._connection.recv_bytes(max_bytes)
        except (EOFError, ConnectionError) as error:
            status = self._end_status()
            if deadline.passed:
                raise TooDemanding(f"decoding took longer than {timeout_s:g} s") from error
            if status in _OUT_OF_CPU_TIME:
                raise TooDemanding(f"decoding needs more than {cpu_s:.1f} s of a processor") from error
            kind = DecoderCrashed if status in _CRASH_SIGNALS else DecoderUnavailable
            raise kind(f"the decoding process ended with status {status}") from error
        except (OSError, ValueError, RecursionError) as error:
            self.kill()
            raise DecoderCrashed("the decoding process sent an invalid response") from error
        if not isinstance(head, dict):
            self.kill()
            raise DecoderCrashed("the decoding process sent an invalid response")
        return head, content

    def _end_status(self) -> int:
        """Wait for the process, whose end of the connection is closed, and return its status."""
        try:
            return self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Only what a file took over goes on without its connection.
            self.kill()
            return self._process.returncode

    def kill(self) -> None:
        """Kill the process, also while another thread waits for its response; that thread gets an error."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the connection; to be called when no thread waits for a response any more."""
        self._connection.close()
        self._files.close()


@cache
def _log_missing(measures: tuple[str, ...]) -> None:
    if measures:
        log.warning("this system does not confine decoders fully; missing: %s", ", ".join(measures))


class _Deadline:
    """Kills a process when its time is up, which ends every wait for it."""

    def __init__(self, process: subprocess.Popen[bytes], timeout_s: float) -> None:
        self.passed = False
        self._process = process
        self._timer = threading.Timer(timeout_s, self._kill)
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
        # A timer that has just fired may still be about to kill the process, which is then not to be used again.
        self._timer.join()
