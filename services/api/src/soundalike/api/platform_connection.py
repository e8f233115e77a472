"""The API's connection to the running platform: the pool, the listener, and the loop that follows the space."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.api.errors import DatabaseAway, NotLoaded
from soundalike.api.vector_source import DatabaseSource
from soundalike.db import database, embeddings, index_versions
from soundalike.db.database import CONNECTION_FAILURES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic import SecretStr

    from soundalike.api.snapshot import Snapshot
    from soundalike.api.snapshot_refresher import Follower
    from soundalike.api.taste_refresher import TasteShelf
    from soundalike.db.database import Pool
    from soundalike.similarity.taste.version import TasteVersion

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
_POLLS_A_TASTE: Final = 10
_RECONNECT_S: Final = 1.0
_POOL_SIZE: Final = 10
_REQUEST_S: Final = 10.0
_PROBE_S: Final = 2.0
_CLOSING_S: Final = 2.0
_LOG_EVERY: Final = 60


class Live:
    """What the requests share; it outlives any absence of the database."""

    def __init__(self, database_url: SecretStr, follower: Follower, shelf: TasteShelf, *, poll_s: float) -> None:
        self._url = database_url
        self._follower = follower
        self._shelf = shelf
        self._poll_s = poll_s
        self._pool: Pool | None = None
        # Whoever waits for a connection of the pool may be overtaken again and again by those who come later.
        self._turns = asyncio.Semaphore(_POOL_SIZE)
        self._changed = asyncio.Event()

    def snapshot(self) -> Snapshot:
        """Return the space as it is now; raises `NotLoaded`."""
        if self._follower.snapshot is not None:
            return self._follower.snapshot
        raise NotLoaded(
            "no model is registered in the catalogue yet; an extractor does that when it starts"
            if self._follower.has_looked
            else "the vectors are being loaded"
        )

    def taste(self) -> TasteVersion | None:
        """Return what is known of taste now, None while nothing is."""
        return self._shelf.version

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Pool]:
        """Lend the pool to one request, to as many at a time as it has connections, in the order in which they came.

        Raises `DatabaseAway` where the database does not answer. Nobody may ask for it twice at a time.
        """
        try:
            async with asyncio.timeout(_REQUEST_S), self._turns:
                if self._pool is None:
                    raise DatabaseAway("the database does not answer")
                yield self._pool
        except CONNECTION_FAILURES as error:
            raise DatabaseAway("the database does not answer") from error

    async def probe(self) -> None:
        """Ask the database for a sign of life; raises `DatabaseAway`."""
        async with self.database() as pool, asyncio.timeout(_PROBE_S):
            await pool.execute("SELECT 1")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Live]:
        """Follow the platform while the block runs."""
        tasks = [
            asyncio.create_task(_repeat(self._follow, _pause, "connecting to the database")),
            asyncio.create_task(_repeat(self._listen, _pause, "listening for news")),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        async with database.connect(self._url.get_secret_value(), size=_POOL_SIZE, stateless=True) as pool:
            source = DatabaseSource(pool)
            self._pool = pool
            try:
                await asyncio.gather(
                    _repeat(lambda: self._follower.refresh(source), self._news, "following the space"),
                    _repeat(lambda: self._shelf.refresh(pool), self._while, "following taste"),
                )
            finally:
                self._pool = None

    async def _news(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._changed.wait()
        # Cleared before the refresh that comes next: what is announced meanwhile causes one more.
        self._changed.clear()

    async def _while(self) -> None:
        # Taste is built once a day, so that nobody waits for it.
        await asyncio.sleep(_POLLS_A_TASTE * self._poll_s)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url.get_secret_value(), timeout=_REQUEST_S)
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            for channel in (embeddings.CHANNEL, index_versions.CHANNEL):
                await connection.add_listener(channel, lambda *_: self._changed.set())
            self._changed.set()
            await gone.wait()
        finally:
            with suppress(*CONNECTION_FAILURES):
                await connection.close(timeout=_CLOSING_S)


async def _pause() -> None:
    await asyncio.sleep(_RECONNECT_S)


async def _repeat(work: Callable[[], Awaitable[None]], pause: Callable[[], Awaitable[None]], what: str) -> None:
    """Do `work` again and again for ever; a failure is logged with its number, and work goes on after the pause."""
    failures = 0
    while True:
        try:
            await work()
        except Exception as error:
            failures += 1
            if failures % _LOG_EVERY == 1:
                surprising = not isinstance(error, CONNECTION_FAILURES)
                log.warning("%s failed (%d in a row): %r", what, failures, error, exc_info=surprising)
        else:
            if failures:
                log.info("%s works again after %d failures", what, failures)
            failures = 0
        await pause()
