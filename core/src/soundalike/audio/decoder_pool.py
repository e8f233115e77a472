"""A few decoding processes that threads, or coroutines, share."""

from __future__ import annotations

import asyncio
import queue
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from soundalike.audio.errors import DecoderCrashed
from soundalike.audio.isolate import IsolatedClipEncoder, IsolatedDecoder, IsolatedFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from soundalike.audio.excerpt import AudioExcerpts
    from soundalike.audio.recording import Milliseconds

FunctionT = TypeVar("FunctionT", bound=IsolatedFunction)


class IsolatedPool(Generic[FunctionT]):
    """`count` processes, started when first needed, each borrowed by one thread at a time.

    `threads` has as many threads as there are processes, for callers in an event loop.
    """

    def __init__(self, count: int, make: Callable[[], FunctionT]) -> None:
        self.count = count
        self.threads = ThreadPoolExecutor(count, thread_name_prefix="decoder")
        self._functions = [make() for _ in range(count)]
        self._idle: queue.SimpleQueue[FunctionT] = queue.SimpleQueue()
        for function in self._functions:
            self._idle.put(function)

    def close(self) -> None:
        """End all processes, also during a request, and the threads."""
        for function in self._functions:
            function.close()
        self.threads.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _borrow(self) -> Iterator[FunctionT]:
        function = self._idle.get()
        try:
            yield function
        finally:
            self._idle.put(function)


class DecoderPool(IsolatedPool[IsolatedDecoder]):
    """Decoders that wait for a free process."""

    def __init__(self, count: int, make: Callable[[], IsolatedDecoder] = IsolatedDecoder) -> None:
        super().__init__(count, make)

    def decode(self, source: bytes | Path, *, accepts_beginning: bool = False) -> AudioExcerpts:
        """Decode in a free process, as `IsolatedDecoder.decode` does."""
        with self._borrow() as decoder:
            return decoder.decode(source, accepts_beginning=accepts_beginning)

    def decode_with_retry(self, source: bytes | Path) -> AudioExcerpts:
        """Decode, and once more after a crash, for callers without a queue that would retry; raises as `decode`."""
        try:
            return self.decode(source)
        except DecoderCrashed:
            # Another process may be to blame: when memory runs out, the system kills whole processes.
            return self.decode(source)


class ClipEncoderPool(IsolatedPool[IsolatedClipEncoder]):
    """Clip encoders that wait for a free process."""

    def __init__(self, count: int, make: Callable[[], IsolatedClipEncoder] = IsolatedClipEncoder) -> None:
        super().__init__(count, make)

    async def encode(self, source: bytes | Path, segment: Milliseconds | None = None) -> bytes:
        """Encode a clip in a free process without blocking the event loop; raises as `IsolatedClipEncoder.encode`."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self._encode, source, segment)

    def _encode(self, source: bytes | Path, segment: Milliseconds | None) -> bytes:
        with self._borrow() as encoder:
            return encoder.encode(source, segment)
