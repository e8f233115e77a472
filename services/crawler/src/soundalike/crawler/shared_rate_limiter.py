"""Limiters that all processes share through PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from soundalike.crawler.errors import ServiceUnavailable
from soundalike.db import rate_limits
from soundalike.db.database import CONNECTION_FAILURES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.crawler.rate_limiter import Allowance
    from soundalike.db.database import Pool

_LOOK_AGAIN_S: Final = 5.0


@dataclass(slots=True)
class SharedLimiter:
    """A bucket of the database's (see `crawler.rate_limiter.Limiter`).

    Everybody who waits at the moment is served by one statement, so the round trip to the database does not cost the
    rate. Raises `ServiceUnavailable` when the database stays away.
    """

    pool: Pool
    allowance: Allowance
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _waiting: deque[asyncio.Future[float]] = field(default_factory=deque, init=False)
    _taker: asyncio.Task[None] | None = field(default=None, init=False)
    _held_until: float = field(default=float("-inf"), init=False)

    async def acquire(self) -> None:
        """Wait until one request may be made."""
        loop = asyncio.get_running_loop()
        while True:
            due = await self._token(loop)
            if (wait := due - loop.time()) > 0:
                await self.sleep(wait)
            # The service may have asked for patience meanwhile, and this token is one from before.
            if loop.time() >= self._held_until or due >= self._held_until:
                return

    async def hold(self, seconds: float) -> None:
        """Let nobody through for so long, in no process."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)
        await self._answer(rate_limits.empty(self.pool, seconds=seconds, **self._bucket))

    async def _token(self, loop: asyncio.AbstractEventLoop) -> float:
        waiter: asyncio.Future[float] = loop.create_future()
        self._waiting.append(waiter)
        if self._taker is None or self._taker.done():
            self._taker = loop.create_task(self._take())
        return await waiter

    async def _take(self) -> None:
        try:
            while self._drop_the_gone():
                await self._serve()
        except ServiceUnavailable as error:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(error)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        most = max(1, int(self.allowance.per_second * rate_limits.AHEAD_S))
        count = min(len(self._waiting), most)
        first = await self._answer(rate_limits.take(self.pool, count=count, **self._bucket))
        if first is None:
            wait = await self._answer(rate_limits.next_token(self.pool, **self._bucket))
            await self.sleep(min(max(0.0, wait - rate_limits.AHEAD_S / 2), _LOOK_AGAIN_S))
            return
        now, step = loop.time(), 1 / self.allowance.per_second
        for place in range(min(count, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(now + first + place * step)

    def _drop_the_gone(self) -> bool:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        return bool(self._waiting)

    @property
    def _bucket(self) -> _Bucket:
        given = self.allowance
        return {"service": given.service, "per_second": given.per_second, "burst": given.burst}

    async def _answer(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except CONNECTION_FAILURES as error:
            raise ServiceUnavailable(
                f"the database, which says how often {self.allowance.service} may be asked, does not answer"
            ) from error


@dataclass(slots=True)
class SharedLimiters:
    """The limiters of one process, one a service."""

    pool: Pool
    _made: dict[str, SharedLimiter] = field(default_factory=dict, init=False)

    def __call__(self, allowance: Allowance) -> SharedLimiter:
        """Return the limiter of a service."""
        return self._made.setdefault(allowance.service, SharedLimiter(self.pool, allowance))


if TYPE_CHECKING:
    from typing import TypedDict, TypeVar

    T = TypeVar("T")

    class _Bucket(TypedDict):
        service: str
        per_second: float
        burst: int
