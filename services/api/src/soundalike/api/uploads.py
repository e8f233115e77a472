"""Recordings that callers send: handed to an extractor through the bucket, answered with a vector, kept by nobody."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from soundalike.api.errors import DatabaseUnavailable, ExtractorUnavailable, TooManyUploads, UploadRejected
from soundalike.db import uploads
from soundalike.db.uploads import Analysis, Rejection
from soundalike.errors import StoreUnavailable
from soundalike.storage.object_keys import upload_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.api.platform_connection import PlatformConnection
    from soundalike.db.database import Connection, Pool
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

PATIENCE_S: Final = 8.0
"""How long a caller waits at most; every request is limited to ten seconds."""

AT_ONCE: Final = 4
"""Each holds a database connection while it waits, and its recording in memory."""

# A notification that is lost with its connection costs no more than this.
_LOOK_S: Final = 0.5
_MEDIA_TYPE: Final = "application/octet-stream"


class Recordings:
    """Has recordings heard; `place` limits how many are under way at once."""

    def __init__(
        self, live: PlatformConnection, store: ObjectStore, *, patience_s: float = PATIENCE_S, at_once: int = AT_ONCE
    ) -> None:
        self._live = live
        self._store = store
        self._patience_s = patience_s
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place while the block runs; raises `TooManyUploads` where none is free."""
        if self._places.locked():
            raise TooManyUploads("as many recordings as this API takes at once are being compared")
        async with self._places:
            yield

    async def hear(self, data: bytes) -> Analysis:
        """Return what the current extractor hears; the recording is gone by then, or within minutes where all fails.

        Raises `UploadRejected` for what can never be heard, `ExtractorUnavailable` where no extractor answers in time
        or the bucket is away, and `DatabaseUnavailable`.
        """
        query = uploads.new_id()
        try:
            async with asyncio.timeout(self._patience_s), self._live.database() as pool:
                outcome = await self._ask(pool, query, data)
        except TimeoutError:
            await self._withdraw(query)
            raise ExtractorUnavailable("no extractor has heard the recording in time") from None
        except StoreUnavailable as error:
            await self._withdraw(query)
            raise ExtractorUnavailable("the object store does not answer") from error
        if isinstance(outcome, Rejection):
            raise UploadRejected(outcome.reason)
        return outcome

    async def _ask(self, pool: Pool, query: str, data: bytes) -> Analysis | Rejection:
        async with pool.acquire() as db, _told(db, query) as told:
            await uploads.create(db, query)
            await self._store.put(upload_key(query), data, _MEDIA_TYPE)
            while (outcome := await uploads.pop_result(db, query)) is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), _LOOK_S)
                told.clear()
            return outcome

    async def _withdraw(self, query: str) -> None:
        # An extractor that comes to it later finds nobody waiting; what is left here, its sweep deletes.
        try:
            async with self._live.database() as pool:
                await uploads.delete(pool, query)
            await self._store.delete(upload_key(query))
        except (DatabaseUnavailable, StoreUnavailable) as error:
            log.warning("a recording that nobody waits for is left to the sweep: %s", error)


@asynccontextmanager
async def _told(db: Connection, query: str) -> AsyncIterator[asyncio.Event]:
    """Listen for the outcome of a query while the block runs."""
    told = asyncio.Event()

    def on_news(_connection: object, _process: int, _channel: str, payload: object) -> None:
        if payload == query:
            told.set()

    await db.add_listener(uploads.CHANNEL, on_news)
    try:
        yield told
    finally:
        await db.remove_listener(uploads.CHANNEL, on_news)
