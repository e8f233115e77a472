"""Decoding and clip encoding in a separate process, so that a hostile or hanging file takes down nothing else."""

from __future__ import annotations

import logging
import math
import os
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from soundalike.audio import errors
from soundalike.audio.clip import encode_clip
from soundalike.audio.decode import decode
from soundalike.audio.decoder_client import DecoderClient
from soundalike.audio.errors import (
    AudioError,
    DecoderCrashed,
    DecoderUnavailable,
    InternalDecoderError,
    TooDemanding,
    Undecodable,
)
from soundalike.audio.excerpt import RATE, AudioExcerpts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import BinaryIO

    from soundalike.audio.recording import Milliseconds

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 30.0
MEMORY_LIMIT_BYTES: Final = 2 << 30

_MAX_SAMPLES_BYTES: Final = 16 << 20
_MAX_CLIP_BYTES: Final = 16 << 20


def cpu_limit_s(size: int) -> float:
    """Return how many seconds of a processor a file of `size` bytes may take.

    The most demanding honest preview took 0.2 s (Opus) and the largest honest file 1.2 s (WAV of 276 MB); machines that
    are ten times slower get through, too.
    """
    return min(30.0, 3.0 + size / 10_000_000)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take; `cpu_s` returns the seconds of a processor for its size in bytes.

    With `timeout_bytes_per_s` a large file may take longer than `timeout_s`: every byte of it is read.
    """

    timeout_s: float
    memory_bytes: int
    max_response_bytes: int
    cpu_s: Callable[[int], float] = cpu_limit_s
    timeout_bytes_per_s: float = math.inf


class IsolatedFunction:
    """Runs `function` in a persistent child process that can do nothing but compute (see `audio.confinement`).

    `function` must be importable in the child by its module and name. One instance processes one file at a time;
    threads that work in parallel need one each. Use it as a context manager or `close` it.
    """

    def __init__(self, function: Callable[..., AudioExcerpts | bytes], limits: Limits) -> None:
        self._limits = limits
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

    def _request(self, source: bytes | Path | BinaryIO, **arguments: object) -> tuple[dict[str, object], bytes]:
        # Opened here: the child can open nothing.
        with _open(source) if isinstance(source, Path) else nullcontext(source) as opened:
            return self._request_opened(opened, arguments)

    def _request_opened(
        self, source: bytes | BinaryIO, arguments: Mapping[str, object]
    ) -> tuple[dict[str, object], bytes]:
        size = len(source) if isinstance(source, bytes) else os.fstat(source.fileno()).st_size
        with self._lock:
            if self._client is None or not self._client.is_alive():
                self._discard()
                self._refuse_if_closed()
                self._client = DecoderClient.start(self._function, self._limits.memory_bytes)
            try:
                # It may have been closed while its child was starting.
                self._refuse_if_closed()
                head, content = self._client.request(
                    source,
                    arguments,
                    cpu_s=self._limits.cpu_s(size),
                    timeout_s=self._limits.timeout_s + size / self._limits.timeout_bytes_per_s,
                    max_bytes=self._limits.max_response_bytes,
                )
            except BaseException:
                # Half a response may be left in the pipe, so this child cannot be used again.
                self._discard()
                raise
            if head.get("error") == "MemoryError":
                self._discard()
        if "error" in head:
            if head["error"] == InternalDecoderError.__name__:
                log.error(
                    "an error of the program, not of the file: %s\n%s", head.get("message"), head.get("traceback")
                )
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

    def _invalid_response(self) -> DecoderCrashed:
        """End the process, which is not to be trusted with another file, and return the error to raise."""
        with self._lock:
            self._discard()
        return DecoderCrashed("the decoding process sent an invalid response")

    def _failure(self, kind: str, message: str) -> Exception:
        if kind == "MemoryError":
            return TooDemanding(f"decoding needs more than {self._limits.memory_bytes / (1 << 20):.0f} MB of memory")
        if kind == "OSError":
            return OSError(message)
        error_type = getattr(errors, kind, None)
        if isinstance(error_type, type) and issubclass(error_type, AudioError):
            return error_type(message)
        return Undecodable(message)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        # Without the path, as it would come from the child.
        raise OSError(error.strerror or str(error)) from error


class IsolatedDecoder(IsolatedFunction):
    """Decodes in a separate process (see `IsolatedFunction`)."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_LIMIT_BYTES,
        cpu_s: Callable[[int], float] = cpu_limit_s,
        function: Callable[..., AudioExcerpts] = decode,
    ) -> None:
        super().__init__(function, Limits(timeout_s, memory_bytes, _MAX_SAMPLES_BYTES, cpu_s))

    def decode(self, source: bytes | Path, *, accepts_beginning: bool = False) -> AudioExcerpts:
        """Decode a file's content or a path, or with `accepts_beginning` what there is of one that ends early.

        Raises as `audio.decode.decode`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`,
        `InternalDecoderError`.
        """
        head, content = self._request(source, **({"accepts_beginning": True} if accepts_beginning else {}))
        try:
            samples = np.frombuffer(content, dtype="<f4").astype(np.float32, copy=False)
            rate, seconds_total = int(str(head["rate"])), float(str(head["seconds_total"]))
            lengths = tuple(int(str(length)) for length in head["lengths"])  # type: ignore[attr-defined]
        except (KeyError, TypeError, ValueError) as error:
            raise self._invalid_response() from error
        are_lengths = lengths and min(lengths) > 0 and sum(lengths) == len(samples)
        if rate != RATE or not math.isfinite(seconds_total) or not are_lengths:
            raise self._invalid_response()
        return AudioExcerpts(samples, lengths, rate, seconds_total)


class IsolatedClipEncoder(IsolatedFunction):
    """Encodes clips in a separate process (see `IsolatedFunction`)."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes: int = MEMORY_LIMIT_BYTES,
        cpu_s: Callable[[int], float] = cpu_limit_s,
        function: Callable[..., bytes] = encode_clip,
    ) -> None:
        super().__init__(function, Limits(timeout_s, memory_bytes, _MAX_CLIP_BYTES, cpu_s))

    def encode(self, source: bytes | Path, segment: Milliseconds | None = None) -> bytes:
        """Return a clip of a file's content or of a path, or of a segment of it.

        Raises as `audio.clip.encode_clip`, and `TooDemanding`, `DecoderCrashed`, `DecoderUnavailable`,
        `InternalDecoderError`.
        """
        return self._request(source, segment=segment)[1] if segment else self._request(source)[1]
