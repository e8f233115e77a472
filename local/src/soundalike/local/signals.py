"""Signals that stop a program: the first in order, further ones at once."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_until_signal(main: Coroutine[Any, Any, int], *, on_further_signal: Callable[[], None]) -> int:
    """Run `main` and return its exit status.

    The first SIGINT, SIGTERM or SIGHUP cancels it, which makes the status 130 for SIGINT and 0 for the others; every
    further one calls `on_further_signal`.
    """
    return asyncio.run(_run(main, on_further_signal))


async def _run(main: Coroutine[Any, Any, int], on_further_signal: Callable[[], None]) -> int:
    task = asyncio.ensure_future(main)
    first_signal: signal.Signals | None = None

    def on_signal(number: signal.Signals) -> None:
        nonlocal first_signal
        if first_signal is None:
            first_signal = number
            task.cancel()
        else:
            on_further_signal()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        return await task
    except asyncio.CancelledError:
        if first_signal is None:
            raise
        return INTERRUPTED if first_signal == signal.SIGINT else 0
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
