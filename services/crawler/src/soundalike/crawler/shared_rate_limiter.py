"""Limiters that all processes share through PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.db import rate_limits
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.http.errors import ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.db.database import Pool
    from soundalike.http.rate_limiter import RateLimit

T = TypeVar("T")

_POLL_S: Final = 5.0


@dataclass(slots=True)
class SharedLimiter:
    """A token bucket in the database (see `http.rate_limiter.Limiter`).

    Everybody who waits at the moment is served by one statement, so that the round trip to the database does not slow
    the rate. Raises `ServiceUnavailable` when the database stays away.
    """

    pool: Pool
    limit: RateLimit
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    on_pause: Callable[[str, float], None] = lambda _, __: None
    _waiting: deque[asyncio.Future[float]] = field(default_factory=deque, init=False)
    _server: asyncio.Task[None] | None = field(default=None, init=False)
    _paused_until: float = field(default=float("-inf"), init=False)

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        loop = asyncio.get_running_loop()
        while True:
            due = await self._token(loop)
            if (wait := due - loop.time()) > 0:
                await self.sleep(wait)
            # The service may have asked for a pause meanwhile, and this token is one from before.
            if loop.time() >= self._paused_until or due >= self._paused_until:
                return

    async def pause(self, seconds: float) -> None:
        """Allow no request for so many seconds, in no process, and call `on_pause` with the service and the seconds."""
        self.on_pause(self.limit.service, seconds)
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)
        await self._query(rate_limits.empty(self.pool, self.limit, seconds))

    async def _token(self, loop: asyncio.AbstractEventLoop) -> float:
        waiter: asyncio.Future[float] = loop.create_future()
        self._waiting.append(waiter)
        if self._server is None or self._server.done():
            self._server = loop.create_task(self._serve_all())
        return await waiter

    async def _serve_all(self) -> None:
        try:
            while self._drop_cancelled():
                await self._serve_batch()
        except ServiceUnavailable as error:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(error)

    async def _serve_batch(self) -> None:
        loop = asyncio.get_running_loop()
        most = max(1, int(self.limit.per_second * rate_limits.AHEAD_S))
        count = min(len(self._waiting), most)
        first = await self._query(rate_limits.take(self.pool, self.limit, count))
        if first is None:
            wait = await self._query(rate_limits.next_token(self.pool, self.limit))
            await self.sleep(min(max(0.0, wait - rate_limits.AHEAD_S / 2), _POLL_S))
            return
        now, step = loop.time(), 1 / self.limit.per_second
        for place in range(min(count, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(now + first + place * step)

    def _drop_cancelled(self) -> bool:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    async def _query(self, statement: Awaitable[T]) -> T:
        try:
            return await statement
        except CONNECTION_FAILURES as error:
            raise ServiceUnavailable(
                f"the database, which keeps the rate limit of {self.limit.service}, does not answer"
            ) from error


@dataclass(slots=True)
class SharedLimiters:
    """The limiters of one process, one a service; they call `on_pause` with the service and the seconds of a pause."""

    pool: Pool
    on_pause: Callable[[str, float], None] = lambda _, __: None
    _limiters: dict[str, SharedLimiter] = field(default_factory=dict, init=False)

    def __call__(self, limit: RateLimit) -> SharedLimiter:
        """Return the limiter of a service."""
        return self._limiters.setdefault(limit.service, SharedLimiter(self.pool, limit, on_pause=self._announce))

    def _announce(self, service: str, seconds: float) -> None:
        self.on_pause(service, seconds)
