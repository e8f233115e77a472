"""Faults on demand: which wrong replies the server sends, where, and how often."""

import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """One rule: requests that match get this reply.

    `path`, `query` and `method` are shell patterns (`*` also matches slashes). The first `after` matching
    requests pass, the next `times` get the fault (None: all). `status` None only delays. A `body` that is an object is
    sent as JSON, a string as it is; without one the body is Spotify's error object for the status.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | str | None = None
    times: int | None = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    method: str = "*"
    query: str = "*"
    delay_seconds: float = Field(default=0.0, ge=0, le=600)

    @classmethod
    def rate_limited(cls, path: str, *, retry_after: int = 1, times: int | None = 1) -> Self:
        """Return the fault of too many requests in the rolling window: 429 with Retry-After in seconds."""
        body = {"error": {"status": 429, "message": "API rate limit exceeded"}}
        return cls(path=path, status=429, headers={"Retry-After": str(retry_after)}, body=body, times=times)

    @classmethod
    def quota_exceeded(cls, path: str, *, retry_after: int = 52_531, times: int | None = None) -> Self:
        """Return the fault of a spent daily quota: 429 with a reason and hours in Retry-After."""
        body = {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}
        return cls(path=path, status=429, headers={"Retry-After": str(retry_after)}, body=body, times=times)

    def matches(self, method: str, path: str, query: str) -> bool:
        """Tell whether a request matches the rule."""
        return fnmatchcase(path, self.path) and fnmatchcase(query, self.query) and fnmatchcase(method, self.method)

    def response_body(self) -> Mapping[str, Any] | str:
        """Return the body to send with `status`."""
        if self.body is not None:
            return self.body
        status = HTTPStatus(self.status or HTTPStatus.INTERNAL_SERVER_ERROR)
        return {"error": {"status": status.value, "message": status.phrase}}


class Faults:
    """The active rules, oldest first; the first that matches and is not used up applies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Add a rule."""
        with self._lock:
            self._rules.append((fault, 0))

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """Return the rule for this request and count the request; None lets it pass."""
        with self._lock:
            for index, (fault, count) in enumerate(self._rules):
                used_up = fault.times is not None and count >= fault.after + fault.times
                if used_up or not fault.matches(method, path, query):
                    continue
                self._rules[index] = (fault, count + 1)
                if count >= fault.after:
                    return fault
        return None
