"""Asking a service for JSON: never faster than it allows, and patient where patience helps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from soundalike.crawler.errors import CrawlerError, ServiceRefused, ServiceUnavailable
from soundalike.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soundalike.crawler.rate_limiter import Limiter

T = TypeVar("T")

MAX_WAIT_S: Final = 60.0
"""Who asks for more than this is not merely busy; the caller decides what to do instead."""

MAX_BYTES: Final = 8_000_000
_FOREVER_S: Final = 7 * 86_400.0
_NOT_THERE: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})
_TOO_MANY: Final = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.FORBIDDEN})


class RateLimited(CrawlerError):
    """The service says that the rate limit is reached."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class TransientFailure(CrawlerError):
    """The service has a problem of its own, or the way to it has one."""


@dataclass(frozen=True, slots=True)
class WebService:
    """A service at `base_url` (with a slash at its end), asked at the pace of `limiter`.

    `pause_s` is how long everybody waits where the service refuses for its rate limit without saying for how long.
    """

    name: str
    base_url: str
    client: httpx.AsyncClient
    limiter: Limiter
    pause_s: float
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    async def get(self, path: str, params: Mapping[str, str | int], parse: Callable[[Any], T]) -> T:
        """Return what `parse` makes of the JSON at a path, also of the JSON that comes with 404.

        `parse` may raise `RateLimited` and `TransientFailure`, which are retried, and `ServiceRefused`. Raises
        `ServiceUnavailable` when no retry helped or the service asks for more than a minute, and `ServiceRefused`.
        """
        for attempt in range(1, self.retry.attempts + 1):
            await self.limiter.acquire()
            last = attempt == self.retry.attempts
            try:
                return parse(await self._ask(path, params))
            except RateLimited as busy:
                wait = self.pause_s if busy.wait_s is None else busy.wait_s
                await self.limiter.pause(min(wait, MAX_WAIT_S))
                if last or wait > MAX_WAIT_S:
                    raise ServiceUnavailable(f"{self.name} reached its rate limit: {busy}", wait_s=wait) from busy
            except TransientFailure as trouble:
                if last:
                    raise ServiceUnavailable(f"{self.name} {trouble}") from trouble
                await self.retry.wait(attempt)
        raise AssertionError("a patience of no attempts")

    async def _ask(self, path: str, params: Mapping[str, str | int]) -> Any:
        url, headers = f"{self.base_url}{path}", {"Accept": "application/json"}
        try:
            async with self.client.stream("GET", url, params=dict(params), headers=headers) as response:
                body = await self._read(response)
        except httpx.TimeoutException as error:
            raise TransientFailure("did not answer in time") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise TransientFailure(f"could not be reached: {type(error).__name__} {error}".rstrip()) from error
        status = response.status_code
        if status in _TOO_MANY:
            raise RateLimited(f"it answered {status}", _retry_after(response))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
            raise TransientFailure(f"answered {status}")
        if status != httpx.codes.OK and status not in _NOT_THERE:
            raise ServiceRefused(f"{self.name} answered {status}")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise TransientFailure(f"answered {status} with something that is not JSON") from error

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BYTES:
                raise ServiceRefused(f"{self.name} answered with more than {MAX_BYTES} bytes")
        return bytes(body)


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return min(max(0.0, float(response.headers["Retry-After"])), _FOREVER_S)
    except (KeyError, ValueError):
        return None
