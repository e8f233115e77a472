"""Services that answer GET requests with JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx

from soundalike.http.errors import RateLimited, ServiceRefused, ServiceUnavailable
from soundalike.http.replies import is_transient, parse_json, retry_after_s, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soundalike.http.call_runner import CallRunner

T = TypeVar("T")

_MISSING: Final = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})
_RATE_LIMITED: Final = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class WebService:
    """A service at `base_url` (with a slash at its end) that needs no account."""

    name: str
    base_url: str
    client: httpx.AsyncClient
    runner: CallRunner

    async def get(self, path: str, params: Mapping[str, str | int], parse: Callable[[Any], T]) -> T:
        """Return what `parse` makes of the JSON at a path, also of the JSON that comes with 404.

        Raises what `CallRunner.run` raises, also for errors that `parse` raises.
        """

        async def request() -> T:
            return parse(await self._request(path, params))

        return await self.runner.run(request)

    async def _request(self, path: str, params: Mapping[str, str | int]) -> Any:
        url, headers = f"{self.base_url}{path}", {"Accept": "application/json"}
        reply = await send(self.client, self.name, "GET", url, params=dict(params), headers=headers)
        answer = f"{self.name} answered {reply.status}"
        if reply.status in _RATE_LIMITED:
            wait_s = retry_after_s(reply.headers.get("Retry-After"))
            raise RateLimited(f"{self.name} reached its rate limit: it answered {reply.status}", wait_s=wait_s)
        if is_transient(reply.status):
            raise ServiceUnavailable(answer)
        if reply.status != httpx.codes.OK and reply.status not in _MISSING:
            raise ServiceRefused(answer)
        try:
            return parse_json(reply.body)
        except ValueError as error:
            raise ServiceUnavailable(f"{answer} with something that is not JSON") from error
