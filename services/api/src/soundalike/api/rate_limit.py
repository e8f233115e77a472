"""How often one caller may do something: token buckets, one a caller."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE_S: Final = 60.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


@dataclass(slots=True)
class RateLimiter:
    """So many calls a minute for each caller, all of them at once if none came before.

    Each process counts for itself: of n processes (`API_WORKERS` of one service, or services beside each other) a
    caller gets up to n times as much. That keeps a limit from costing a statement, and what it protects (queue and
    catalogue) bears a small factor. A share is not divided by n: one kept-alive connection reaches one process only,
    and its caller is to get all of what the setting promises.
    """

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def acquire(self, caller: str) -> float:
        """Take one call of a caller's share and return 0, or return in how many seconds there is one again."""
        wait_s = self.wait_s(caller)
        if not wait_s:
            self._buckets[caller].tokens -= 1
        return wait_s

    def wait_s(self, caller: str) -> float:
        """Return in how many seconds a caller may call, 0 for at once, and take nothing."""
        now = self.clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self.per_minute, now))
        gained = (now - bucket.filled_at) * self.per_minute / _MINUTE_S
        bucket.tokens, bucket.filled_at = min(self.per_minute, bucket.tokens + gained), now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) * _MINUTE_S / self.per_minute
        return 0.0
