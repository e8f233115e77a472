"""A few isolated decoders that threads borrow."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from soundalike.audio.isolate import IsolatedDecoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from soundalike.audio.excerpt import AudioExcerpt


class Decoders:
    """`count` decoder processes, started when first needed; `decode` waits for a free one."""

    def __init__(self, count: int, make: Callable[[], IsolatedDecoder] = IsolatedDecoder) -> None:
        self.count = count
        self._all = [make() for _ in range(count)]
        self._free: queue.SimpleQueue[IsolatedDecoder] = queue.SimpleQueue()
        for decoder in self._all:
            self._free.put(decoder)

    def decode(self, source: bytes | Path) -> AudioExcerpt:
        """Decode in a free process; raises as `IsolatedDecoder.decode`."""
        with self._borrowed() as decoder:
            return decoder.decode(source)

    def close(self) -> None:
        """End all processes."""
        for decoder in self._all:
            decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _borrowed(self) -> Iterator[IsolatedDecoder]:
        decoder = self._free.get()
        try:
            yield decoder
        finally:
            self._free.put(decoder)
