"""Work of the CPU beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def run_in_daemon_thread(work: Callable[[], T]) -> T:
    """Run `work` in a daemon thread and return what it returns, or raise what it raises.

    A build cannot be interrupted, and `asyncio.to_thread` would keep a process that was told to stop alive until the
    build ends. When the waiting task is cancelled the thread is left behind, and ends with the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as caught:  # noqa: BLE001 - carried over to the waiting task, whatever it is
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    threading.Thread(target=run, name="build", daemon=True).start()
    return await done
