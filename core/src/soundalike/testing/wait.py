"""Waits of tests: for a condition, with a limit that grows with `TEST_WAIT_SCALE` (1 unless set) on slow machines."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

LIMIT_S = 60.0
"""How long a test waits for one condition where it names no limit, before scaling."""


def scale(seconds: float) -> float:
    """Return a limit in seconds as this machine needs it; raises `ValueError` where the scale is not positive."""
    factor = float(os.environ.get("TEST_WAIT_SCALE") or 1)
    if not factor > 0:
        raise ValueError(f"TEST_WAIT_SCALE has to be positive, not {factor}")
    return seconds * factor


async def eventually(
    condition: Callable[[], T | Awaitable[T]],
    message: str = "",
    *,
    limit_s: float = LIMIT_S,
    interval_s: float = 0.01,
    retry_on: type[Exception] | tuple[type[Exception], ...] = (),
) -> T:
    """Call a condition, asynchronous or not, until its value is true, and return that value.

    `message` says what is waited for. Exceptions of `retry_on` count as "not yet", others come through at once.
    Raises `AssertionError` with the message and the last value or exception after `limit_s` seconds, scaled.
    """
    __tracebackhide__ = True
    last: object = None
    try:
        async with asyncio.timeout(scale(limit_s)):
            while True:
                try:
                    outcome = condition()
                    value: T = await outcome if inspect.isawaitable(outcome) else outcome
                except retry_on as error:
                    last = error
                else:
                    if value:
                        return value
                    last = value
                await asyncio.sleep(interval_s)
    except TimeoutError:
        raise _failure(condition, message, limit_s, last) from None


def eventually_sync(
    condition: Callable[[], T],
    message: str = "",
    *,
    limit_s: float = LIMIT_S,
    interval_s: float = 0.01,
    retry_on: type[Exception] | tuple[type[Exception], ...] = (),
) -> T:
    """Wait as `eventually` does, in tests without an event loop."""
    __tracebackhide__ = True
    deadline = time.monotonic() + scale(limit_s)
    while True:
        try:
            last: object = (value := condition())
            if value:
                return value
        except retry_on as error:
            last = error
        if time.monotonic() > deadline:
            raise _failure(condition, message, limit_s, last)
        time.sleep(interval_s)


def _failure(condition: object, message: str, limit_s: float, last: object) -> AssertionError:
    goal = message or getattr(condition, "__qualname__", repr(condition))
    return AssertionError(f"after {scale(limit_s):g} s still waiting for: {goal}; last seen: {last!r}")
