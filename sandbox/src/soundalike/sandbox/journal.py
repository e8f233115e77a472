"""The record of requests, for tests."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

_CAPACITY: Final = 50_000


@dataclass(frozen=True)
class JournalEntry:
    """A request: method, path, raw query string, the status of its response, and the user agent."""

    method: str
    path: str
    query: str
    status: int
    user_agent: str


class Journal:
    """The latest 50,000 requests in the order of their responses, without control requests. Thread-safe."""

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
        """Delete all entries."""
        with self._lock:
            self._entries.clear()
