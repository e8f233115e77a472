"""Audio files that callers send: an extractor turns them into vectors; nothing is stored."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from soundalike.api.caller_slots import CallerSlots
from soundalike.api.errors import ExtractorUnavailable, TooManyUploads, UploadRejected
from soundalike.api.rate_limit import RateLimiter
from soundalike.db import uploads
from soundalike.db.uploads import Analysis, Rejection
from soundalike.errors import DatabaseUnavailable, StoreUnavailable
from soundalike.storage.object_keys import upload_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.api.platform_connection import PlatformConnection
    from soundalike.db.database import Connection, Pool
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 8.0
"""How long a caller waits at most once the file has arrived; what follows needs the rest of the ten seconds."""

MAX_CONCURRENT: Final = 4
"""Each takes a database connection while it waits, and holds its file in memory."""

# What cannot be analysed, or not in time, may cost seconds of a processor to find out. Whoever sends such files again
# and again shares one place with all who do, so that the other places are left to the other callers.
_FAILURES_PER_MINUTE: Final = 3

# Others are done soon, and whoever has sent a whole file would have to send it again.
_PLACE_TIMEOUT_S: Final = 2.0
# A notification that is lost with its connection costs no more than this.
_POLL_S: Final = 0.5
_MEDIA_TYPE: Final = "application/octet-stream"


class UploadExtractor:
    """Has uploads analysed by an extractor; `slot` limits how many are in progress at once, and whose."""

    def __init__(
        self,
        platform: PlatformConnection,
        store: ObjectStore,
        *,
        timeout_s: float = TIMEOUT_S - _PLACE_TIMEOUT_S,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> None:
        self._platform = platform
        self._store = store
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(max_concurrent)
        self._slots_of_callers = CallerSlots(max(1, max_concurrent - 1))
        self._last_slot = asyncio.Semaphore(1)
        self._failures = RateLimiter(_FAILURES_PER_MINUTE)

    @asynccontextmanager
    async def slot(self, caller: str) -> AsyncIterator[None]:
        """Take a slot for a caller while the block runs; raises `TooManyUploads` where none is free in two seconds.

        One caller never has all of them. Callers whose files were rejected repeatedly, or not analysed in time, have
        one slot between them.
        """
        async with AsyncExitStack() as slots:
            try:
                async with asyncio.timeout(_PLACE_TIMEOUT_S):
                    await slots.enter_async_context(self._slots_of_callers.slot(caller))
                    if self._failures.wait_s(caller):
                        await slots.enter_async_context(self._last_slot)
                    await slots.enter_async_context(self._slots)
            except TimeoutError:
                raise TooManyUploads("this API is already analysing as many uploads as it can") from None
            try:
                yield
            except (UploadRejected, ExtractorUnavailable):
                self._failures.acquire(caller)
                raise

    async def extract(self, data: bytes) -> Analysis:
        """Return the analysis of an audio file; the file is deleted by then, or within minutes where all fails.

        Raises `UploadRejected` for a file that cannot be analysed, `ExtractorUnavailable` where no extractor answers in
        time or the bucket is away, and `DatabaseUnavailable`.
        """
        query = uploads.new_id()
        try:
            async with asyncio.timeout(self._timeout_s), self._platform.database() as pool:
                outcome = await self._submit(pool, query, data)
        except TimeoutError:
            await self._cancel(query)
            raise ExtractorUnavailable("no extractor has analysed the file in time") from None
        except StoreUnavailable as error:
            await self._cancel(query)
            raise ExtractorUnavailable("the object store does not answer") from error
        if isinstance(outcome, Rejection):
            raise UploadRejected(outcome.reason)
        return outcome

    async def _submit(self, pool: Pool, query: str, data: bytes) -> Analysis | Rejection:
        async with pool.acquire() as db, _outcome_event(db, query) as outcome_event:
            await uploads.create(db, query)
            await self._store.put(upload_key(query), data, _MEDIA_TYPE)
            while (outcome := await uploads.pop_result(db, query)) is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await outcome_event.wait()
                outcome_event.clear()
            return outcome

    async def _cancel(self, query: str) -> None:
        # An extractor that comes to it later finds nobody waiting; what is left here, its sweep deletes.
        try:
            async with self._platform.database() as pool:
                await uploads.delete(pool, query)
            await self._store.delete(upload_key(query))
        except (DatabaseUnavailable, StoreUnavailable) as error:
            log.warning("could not delete an upload that timed out, the sweep will: %s", error)


@asynccontextmanager
async def _outcome_event(db: Connection, query: str) -> AsyncIterator[asyncio.Event]:
    """Listen for the outcome of a query while the block runs."""
    event = asyncio.Event()

    def on_notification(_connection: object, _process: int, _channel: str, payload: object) -> None:
        if payload == query:
            event.set()

    await db.add_listener(uploads.CHANNEL, on_notification)
    try:
        yield event
    finally:
        await db.remove_listener(uploads.CHANNEL, on_notification)
