"""Looking again and again whether something is to be built, by one builder at a time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from soundalike.db import advisory_locks
from soundalike.indexer.errors import EXPECTED_FAILURES, BuilderBusy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from soundalike.db.database import Connection

T = TypeVar("T")

log = logging.getLogger(__name__)

_BUSY_RETRY_S: Final = 0.5
_MAX_WAIT_S: Final = 300.0


class Poller:
    """Calls `look` every `poll_s` seconds; `what` is built says the log."""

    def __init__(self, action: Callable[[], Awaitable[object]], *, poll_s: float, what: str) -> None:
        self._action = action
        self._poll_s = poll_s
        self._what = what
        self.failures = 0
        """How many looks in a row have failed."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set; what is under way is then given up."""
        while not stop.is_set():
            look = asyncio.create_task(self.poll_once())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({look, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                look.cancel()
                await asyncio.wait({look})
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._wait_s())

    async def poll_once(self) -> None:
        """Look once; a failure is logged and counted."""
        try:
            await self._action()
        except BuilderBusy as busy:
            log.info("%s", busy)
        except EXPECTED_FAILURES as error:
            self.failures += 1
            log.error("no %s was published (failure %d in a row): %s", self._what, self.failures, error)  # noqa: TRY400 - said by its type
        except Exception:
            self.failures += 1
            log.exception("no %s was published (failure %d in a row)", self._what, self.failures)
        else:
            self.failures = 0

    def _wait_s(self) -> float:
        # A build that failed will mostly fail again; the more often it did, the longer its CPU time is saved.
        return max(self._poll_s, min(self._poll_s * 2.0 ** min(self.failures, 20), _MAX_WAIT_S))


async def retry_while_busy(build: Callable[[], Awaitable[T]]) -> T:
    """Build as soon as no other builder is at work: what that one began with may lack what was heard since."""
    waited = False
    while True:
        try:
            return await build()
        except BuilderBusy as busy:
            if not waited:
                log.info("%s; this build begins when that one has ended", busy)
            waited = True
        await asyncio.sleep(_BUSY_RETRY_S)


@asynccontextmanager
async def builder_lock(connection: Connection, name: str) -> AsyncIterator[None]:
    """Hold the lock of that name while the block runs; raises `BuilderBusy` where another machine does.

    The lock belongs to the session, and the version is published in that same session: who lost the one cannot do
    the other.
    """
    if not await advisory_locks.try_lock(connection, name):
        raise BuilderBusy("another indexer is building at this moment")
    try:
        yield
    finally:
        if not connection.is_closed():
            await advisory_locks.unlock(connection, name)
