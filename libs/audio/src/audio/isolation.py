"""Decoding in a process of its own, so that a hostile or hanging file takes down nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from audio import errors
from audio.decoding import decode as decode_here
from audio.errors import AudioError, DecoderCrashed, TooDemanding, Undecodable
from audio.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

SECONDS_LIMIT: Final = 30.0
MEMORY_LIMIT: Final = 2 << 30
_START_SECONDS: Final = 60.0


class IsolatedDecoder:
    """Decodes in a persistent child process, under a limit of wall-clock `seconds` and of `memory` bytes.

    `function` runs in the child and must be importable there by its module and name. One decoder does one file at a
    time; threads that want to decode side by side take a decoder each. Use it as a context manager or `close` it.
    """

    def __init__(
        self,
        *,
        seconds: float = SECONDS_LIMIT,
        memory: int = MEMORY_LIMIT,
        function: Callable[..., Recording] = decode_here,
    ) -> None:
        self._seconds = seconds
        self._memory = memory
        self._function = f"{function.__module__}:{function.__qualname__}"
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def decode(self, source: bytes | Path) -> Recording:
        """Decode a file's content or a path; raises as `audio.decoding.decode`, `TooDemanding`, `DecoderCrashed`."""
        request = (b"data", source) if isinstance(source, bytes) else (b"path", os.fsencode(source))
        with self._lock:
            if self._child is None or not self._child.is_alive():
                self._discard()
                self._child = _Child.start(self._function, self._memory)
            try:
                head, samples = self._child.ask(request, self._seconds)
            except BaseException:
                # Half an answer may be left in the pipe, so this child cannot be asked again.
                self._discard()
                raise
            if head.get("error") == "MemoryError":
                self._discard()
        if "error" in head:
            raise self._failure(str(head["error"]), str(head["message"]))
        return Recording(
            samples=np.frombuffer(samples, dtype="<f4").astype(np.float32, copy=False),
            rate=int(str(head["rate"])),
            seconds_total=float(str(head["seconds_total"])),
        )

    def close(self) -> None:
        """End the child process; the next `decode` would start another."""
        with self._lock:
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _discard(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def _failure(self, kind: str, message: str) -> Exception:
        if kind == "MemoryError":
            return TooDemanding(f"decoding it needs more than {self._memory / (1 << 20):.0f} MB of memory")
        if kind == "OSError":
            return OSError(message)
        known = getattr(errors, kind, None)
        return known(message) if isinstance(known, type) and issubclass(known, AudioError) else Undecodable(message)


class _Child:
    def __init__(self, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    def start(cls, function: str, memory: int) -> Self:
        ours, theirs = socket.socketpair()
        # A decoder needs no threads of its own, and each would reserve address space under the limit.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with theirs:
            process = subprocess.Popen(
                # -P: a file in the working directory must not pass for one of the modules.
                [sys.executable, "-P", "-m", "audio.decoder_process", str(theirs.fileno()), function, str(memory)],
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
            why = "did not start in time" if deadline.passed else f"ended with status {process.returncode} at its start"
            raise DecoderCrashed(f"the decoding process {why}") from error
        return child

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: tuple[bytes, bytes], seconds: float) -> tuple[dict[str, object], bytes]:
        try:
            with _Deadline(self._process, seconds) as deadline:
                for part in request:
                    self._connection.send_bytes(part)
                answer = json.loads(self._connection.recv_bytes()), self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._process.wait()
            if deadline.passed:
                raise TooDemanding(f"decoding it took longer than {seconds:g} s") from error
            raise DecoderCrashed(f"the decoding process ended with status {self._process.returncode}") from error
        return answer

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()


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
