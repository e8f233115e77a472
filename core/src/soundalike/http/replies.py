"""Replies of web services: read into memory up to a limit, never from another address than the one asked for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from soundalike.http.errors import ServiceRefused, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES: Final = 16_000_000
_MAX_RETRY_AFTER_S: Final = 7 * 86_400.0
_TRANSIENT_STATUSES: Final = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service replied, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class BodyBuffer:
    """The body of a reply of `service`, as it arrives."""

    service: str
    body: bytearray = field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        """Add what arrived; raises `ServiceRefused` beyond `MAX_BYTES`."""
        self.body += chunk
        if len(self.body) > MAX_BYTES:
            raise ServiceRefused(f"{self.service} answered with more than {MAX_BYTES} bytes")


async def send(client: httpx.AsyncClient, service: str, method: str, url: str, **options: Any) -> Reply:
    """Send a request and return the reply, which may be a redirect; `options` are those of `httpx.AsyncClient.stream`.

    Raises `ServiceUnavailable` when there is none, and `ServiceRefused` for one that is too large.
    """
    buffer = BodyBuffer(service)
    try:
        # A redirect is not followed: no other host may get the token.
        async with client.stream(method, url, follow_redirects=False, **options) as response:
            async for chunk in response.aiter_bytes():
                buffer.add(chunk)
    except httpx.TimeoutException as error:
        raise ServiceUnavailable(f"{service} did not answer in time") from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        reason = f"{type(error).__name__} {error}".rstrip()
        raise ServiceUnavailable(f"{service} could not be reached: {reason}") from error
    return Reply(response.status_code, response.headers, bytes(buffer.body))


def parse_json(body: bytes) -> Any:
    """Return the content of a body; raises `ValueError` for what is no JSON, or nested too deeply."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def is_transient(status: int) -> bool:
    """Tell whether a status says that the server has a problem of its own."""
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _TRANSIENT_STATUSES


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a `Retry-After` (RFC 9110, 10.2.3) asks to wait, at most 7 days; None if it says none."""
    text = (header or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        # A date without an offset is UTC; a past one is that of a wrong clock.
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
        if seconds <= 0:
            return None
    return None if math.isnan(seconds) else min(max(0.0, seconds), _MAX_RETRY_AFTER_S)
