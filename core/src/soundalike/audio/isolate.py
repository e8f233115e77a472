"""Decoding and clip encoding in a separate process, so that a hostile or hanging file takes down nothing else."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.audio import errors
from soundalike.audio.clip import encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.decoder_client import DecoderClient
from soundalike.audio.errors import AudioError, DecoderCrashed, DecoderUnavailable, TooDemanding, Undecodable
from soundalike.audio.excerpt import AudioExcerpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

TIMEOUT_S: Final = 30.0
MEMORY_LIMIT_BYTES: Final = 2 << 30


class IsolatedFunction:
    """Runs `function` in a persistent child process, limited to `timeout_s` wall-clock seconds and `memory_bytes`.

    `function` must be importable in the child by its module and name. One instance processes one file at a time;
    threads that work in parallel need one each. Use it as a context manager or `close` it.
    """

    def __init__(self, function: Callable[..., AudioExcerpt | bytes], timeout_s: float, memory_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._function = f"{function.__module__}:{function.__qualname__}"
        self._lock = threading.Lock()
        self._client: DecoderClient | None = None
        self._closed = False

    def close(self) -> None:
        """End the child process, also during a request, and start no other."""
        self._closed = True
        if (client := self._client) is not None:
            client.kill()
        # A thread that waits for a response gets an error, and releases the lock.
        with self._lock:
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, source: bytes | Path) -> tuple[dict[str, object], bytes]:
        request = (b"data", source) if isinstance(source, bytes) else (b"path", os.fsencode(source))
        with self._lock:
            if self._client is None or not self._client.is_alive():
                self._discard()
                self._refuse_if_closed()
                self._client = DecoderClient.start(self._function, self._memory_bytes)
            try:
                # It may have been closed while its child was starting.
                self._refuse_if_closed()
                head, content = self._client.request(request, self._timeout_s)
            except BaseException:
                # Half a response may be left in the pipe, so this child cannot be used again.
                self._discard()
                raise
            if head.get("error") == "MemoryError":
                self._discard()
        if "error" in head:
            raise self._failure(str(head["error"]), str(head.get("message")))
        return head, content

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise DecoderUnavailable("the decoding process was stopped")

    def _discard(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client.close()
            self._client = None

    def _failure(self, kind: str, message: str) -> Exception:
        if kind == "MemoryError":
            return TooDemanding(f"decoding needs more than {self._memory_bytes / (1 << 20):.0f} MB of memory")
        if kind == "OSError":
            return OSError(message)
        error_type = getattr(errors, kind, None)
        if isinstance(error_type, type) and issubclass(error_type, AudioError):
            return error_type(message)
        return Undecodable(message)


class IsolatedDecoder(IsolatedFunction):
    """Decodes in a separate process (see `IsolatedFunction`)."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_LIMIT_BYTES,
        function: Callable[..., AudioExcerpt] = decode,
    ) -> None:
        super().__init__(function, timeout_s, memory_bytes)

    def decode(self, source: bytes | Path) -> AudioExcerpt:
        """Decode a file's content or a path.

        Raises as `audio.decode.decode`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`.
        """
        head, content = self._request(source)
        try:
            samples = np.frombuffer(content, dtype="<f4").astype(np.float32, copy=False)
            return AudioExcerpt(samples, rate=int(str(head["rate"])), seconds_total=float(str(head["seconds_total"])))
        except (KeyError, ValueError) as error:
            raise DecoderCrashed("the decoding process sent an invalid response") from error


class IsolatedClipEncoder(IsolatedFunction):
    """Encodes clips in a separate process (see `IsolatedFunction`)."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_LIMIT_BYTES,
        function: Callable[..., bytes] = encode_clip,
    ) -> None:
        super().__init__(function, timeout_s, memory_bytes)

    def encode(self, source: bytes | Path) -> bytes:
        """Return a clip of a file's content or of a path, as FLAC.

        Raises as `audio.clip.encode_clip`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`.
        """
        return self._request(source)[1]
