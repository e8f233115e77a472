"""Regular checks whether a version is due, and the lock that lets one builder run at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.db import advisory_locks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import StoreUnavailable
from soundalike.indexer.errors import EXPECTED_FAILURES, BuilderBusy
from soundalike.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from soundalike.db.database import Connection

T = TypeVar("T")

log = logging.getLogger(__name__)

_BUSY_RETRY_S: Final = 0.5
_MAX_WAIT_S: Final = 300.0
_MAX_OUTAGE_WAIT_S: Final = 30.0
_OUTAGES: Final[tuple[type[Exception], ...]] = (StoreUnavailable, *CONNECTION_FAILURES)


class Poller:
    """Calls `action` every `poll_s` seconds; `what` it builds is a word for the log."""

    def __init__(self, action: Callable[[], Awaitable[object]], *, poll_s: float, what: str) -> None:
        self._action = action
        self._poll_s = poll_s
        self._what = what
        self.failures = 0
        """How many calls in a row have failed."""
        self._max_wait_s = _MAX_WAIT_S

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; a running call is then cancelled."""
        while not stop.is_set():
            poll = asyncio.create_task(self.poll_once())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({poll, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                poll.cancel()
                await asyncio.wait({poll})
            with suppress(TimeoutError):
                async with asyncio.timeout(self.pause_s()):
                    await stop.wait()

    async def poll_once(self) -> None:
        """Call the action once; a failure is logged and counted."""
        try:
            await self._action()
        except BuilderBusy as busy:
            log.info("%s", busy)
        except EXPECTED_FAILURES as error:
            self.failures += 1
            self._max_wait_s = _MAX_OUTAGE_WAIT_S if isinstance(error, _OUTAGES) else _MAX_WAIT_S
            log.error("no %s was published (failure %d in a row): %s", self._what, self.failures, error)  # noqa: TRY400 - an expected failure
        except Exception:
            self.failures += 1
            self._max_wait_s = _MAX_WAIT_S
            log.exception("no %s was published (failure %d in a row)", self._what, self.failures)
        else:
            self.failures = 0

    def pause_s(self) -> float:
        """Return how many seconds pass before the next call."""
        # A build that failed will probably fail again: every failure in a row doubles the pause. While database or
        # object store are away, trying costs little, and they come back at any moment.
        backoff = Backoff(self._poll_s, max(self._poll_s, self._max_wait_s), jitter=0.0)
        return backoff.delay_s(self.failures + 1)


async def retry_while_busy(build: Callable[[], Awaitable[T]]) -> T:
    """Build as soon as no other builder runs: its version may lack what was added since it started."""
    logged = False
    while True:
        try:
            return await build()
        except BuilderBusy as busy:
            if not logged:
                log.info("%s; this build starts when it has finished", busy)
            logged = True
        await asyncio.sleep(_BUSY_RETRY_S)


@asynccontextmanager
async def builder_lock(connection: Connection, name: str) -> AsyncIterator[None]:
    """Hold the lock of that name during the block; raises `BuilderBusy` where another machine holds it.

    The lock belongs to the session, and the version is published in that same session: without the lock no builder
    can publish.
    """
    if not await advisory_locks.try_lock(connection, name):
        raise BuilderBusy("another indexer is building")
    try:
        yield
    finally:
        if not connection.is_closed():
            await advisory_locks.unlock(connection, name)
