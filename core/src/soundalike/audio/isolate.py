"""Decoding and cutting in a process of its own, so that a hostile or hanging file takes down nothing else."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.audio import errors
from soundalike.audio.clip import cut as cut_here
from soundalike.audio.decode import decode as decode_here
from soundalike.audio.decoder_client import Child
from soundalike.audio.errors import AudioError, DecoderCrashed, DecoderUnavailable, TooDemanding, Undecodable
from soundalike.audio.excerpt import Recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

SECONDS_LIMIT: Final = 30.0
MEMORY_LIMIT: Final = 2 << 30


class Isolation:
    """Runs `function` in a persistent child process, under a limit of wall-clock `seconds` and of `memory` bytes.

    `function` must be importable in the child by its module and name. One isolation does one file at a time; threads
    that want to work side by side take one each. Use it as a context manager or `close` it.
    """

    def __init__(self, function: Callable[..., Recording | bytes], seconds: float, memory: int) -> None:
        self._seconds = seconds
        self._memory = memory
        self._function = f"{function.__module__}:{function.__qualname__}"
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False

    def close(self) -> None:
        """End the child process, also while it is at work, and start no other."""
        self._closed = True
        if (child := self._child) is not None:
            child.end()
        # Whoever waits for an answer hears of the end, and leaves the lock.
        with self._lock:
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, source: bytes | Path) -> tuple[dict[str, object], bytes]:
        request = (b"data", source) if isinstance(source, bytes) else (b"path", os.fsencode(source))
        with self._lock:
            if self._child is None or not self._child.is_alive():
                self._discard()
                self._refuse_if_closed()
                self._child = Child.start(self._function, self._memory)
            try:
                # It may have been closed while its child was starting.
                self._refuse_if_closed()
                head, content = self._child.ask(request, self._seconds)
            except BaseException:
                # Half an answer may be left in the pipe, so this child cannot be asked again.
                self._discard()
                raise
            if head.get("error") == "MemoryError":
                self._discard()
        if "error" in head:
            raise self._failure(str(head["error"]), str(head.get("message")))
        return head, content

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise DecoderUnavailable("the decoding process was ended")

    def _discard(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child.disconnect()
            self._child = None

    def _failure(self, kind: str, message: str) -> Exception:
        if kind == "MemoryError":
            return TooDemanding(f"decoding it needs more than {self._memory / (1 << 20):.0f} MB of memory")
        if kind == "OSError":
            return OSError(message)
        known = getattr(errors, kind, None)
        return known(message) if isinstance(known, type) and issubclass(known, AudioError) else Undecodable(message)


class IsolatedDecoder(Isolation):
    """Decodes in a process of its own (see `Isolation`)."""

    def __init__(
        self,
        *,
        seconds: float = SECONDS_LIMIT,
        memory: int = MEMORY_LIMIT,
        function: Callable[..., Recording] = decode_here,
    ) -> None:
        super().__init__(function, seconds, memory)

    def decode(self, source: bytes | Path) -> Recording:
        """Decode a file's content or a path.

        Raises as `audio.decode.decode`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`.
        """
        head, content = self._ask(source)
        try:
            samples = np.frombuffer(content, dtype="<f4").astype(np.float32, copy=False)
            return Recording(samples, rate=int(str(head["rate"])), seconds_total=float(str(head["seconds_total"])))
        except (KeyError, ValueError) as error:
            raise DecoderCrashed("the decoding process answered nonsense") from error


class IsolatedCutter(Isolation):
    """Cuts previews in a process of its own (see `Isolation`)."""

    def __init__(
        self,
        *,
        seconds: float = SECONDS_LIMIT,
        memory: int = MEMORY_LIMIT,
        function: Callable[..., bytes] = cut_here,
    ) -> None:
        super().__init__(function, seconds, memory)

    def cut(self, source: bytes | Path) -> bytes:
        """Return a preview as FLAC.

        Raises as `audio.clip.cut`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`.
        """
        return self._ask(source)[1]
