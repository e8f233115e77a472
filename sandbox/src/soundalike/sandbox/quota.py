"""A limit on requests."""

import threading
import time
from collections import deque
from collections.abc import Callable


class Quota:
    """At most `requests` in any window of `seconds`; thread-safe."""

    def __init__(self, requests: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests = requests
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._accepted_at: deque[float] = deque()

    def take(self) -> bool:
        """Tell whether a request is within the quota; only those within count."""
        with self._lock:
            now = self._clock()
            while self._accepted_at and self._accepted_at[0] <= now - self.seconds:
                self._accepted_at.popleft()
            if len(self._accepted_at) >= self.requests:
                return False
            self._accepted_at.append(now)
            return True
