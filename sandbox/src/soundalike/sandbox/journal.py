"""The record of requests: a test reads here what a client really asked."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

_CAPACITY: Final = 50_000


@dataclass(frozen=True)
class JournalEntry:
    """A request that was answered: method, path, raw query string, the status, and how the client called itself."""

    method: str
    path: str
    query: str
    status: int
    user_agent: str


class Journal:
    """The latest 50,000 requests in the order of their answers; control requests are left out. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[JournalEntry] = deque(maxlen=_CAPACITY)

    def write(self, entry: JournalEntry) -> None:
        """Append a request."""
        with self._lock:
            self._entries.append(entry)

    def read(self, path_prefix: str = "/") -> list[JournalEntry]:
        """Return the requests whose path begins so."""
        with self._lock:
            return [request for request in self._entries if request.path.startswith(path_prefix)]

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._entries.clear()
