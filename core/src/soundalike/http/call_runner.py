"""The one rule for calls of web services: at the allowed rate, and tried again where that can help."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.http.errors import QuotaExhausted, RateLimited, ServiceUnavailable, TokenRejected
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.http.rate_limiter import Limiter

T = TypeVar("T")

MAX_WAIT_S: Final = 60.0
"""A service that asks for a longer pause is not merely busy: what to do instead is left to the caller."""


@dataclass(frozen=True, slots=True)
class CallRunner:
    """Runs the calls of one service; any number of tasks may share it.

    Everybody who shares `limiter` keeps the pauses that the service asks for: at most `max_wait_s` seconds, `pause_s`
    where it does not say how long, the waits of `retry` where that is None. A pause counts as a try of `retry`, except
    with `rate_limit_attempts`: then so many tries may end in a pause, and they count by themselves.
    """

    limiter: Limiter = field(default_factory=lambda: InMemoryLimiter(UNLIMITED))
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    pause_s: float | None = None
    rate_limit_attempts: int | None = None
    max_wait_s: float = MAX_WAIT_S

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns; after `TokenRejected` it is called once more, and has to use another token.

        Raises what the limiter raises, `QuotaExhausted` where a pause is longer than `max_wait_s`, the last
        `ServiceUnavailable` when no try helped, and at once any other error of `call`.
        """
        tries: Counter[type[ServiceUnavailable]] = Counter()
        token_renewed = False
        while True:
            await self.limiter.acquire()
            try:
                return await call()
            except TokenRejected:
                if token_renewed:
                    raise
                token_renewed = True
            except QuotaExhausted:
                raise
            except ServiceUnavailable as error:
                limited = isinstance(error, RateLimited)
                attempts, kind = self.retry.attempts, ServiceUnavailable
                if limited and self.rate_limit_attempts is not None:
                    attempts, kind = self.rate_limit_attempts, RateLimited
                tries[kind] += 1
                if limited:
                    await self._pause(error, tries[kind])
                if tries[kind] >= attempts:
                    raise
                if not limited:
                    await self.retry.wait(tries[kind])

    async def _pause(self, error: ServiceUnavailable, attempt: int) -> None:
        if error.wait_s is None:
            error.wait_s = self.pause_s
        wait_s = self.retry.backoff.delay_s(attempt) if error.wait_s is None else error.wait_s
        await self.limiter.pause(min(wait_s, self.max_wait_s))
        if wait_s > self.max_wait_s:
            raise QuotaExhausted(str(error), wait_s=wait_s) from error
