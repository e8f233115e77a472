"""The connection to the running platform: the pool, the listener, and the loops that refresh index and taste."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.api.errors import SnapshotUnavailable
from soundalike.api.vector_source import DatabaseSource
from soundalike.db import database, embeddings, index_versions
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic import SecretStr

    from soundalike.api.resource_probe import ResourceProbe
    from soundalike.api.snapshot import Snapshot
    from soundalike.api.snapshot_refresher import SnapshotRefresher
    from soundalike.api.taste_refresher import TasteRefresher
    from soundalike.db.database import Pool
    from soundalike.similarity.taste.version import TasteVersion

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
_TASTE_POLL_FACTOR: Final = 10
_RECONNECT_INTERVAL_S: Final = 1.0
_POOL_SIZE: Final = 10
# Shorter than what a request may take, so that it says what was missing.
_REQUEST_TIMEOUT_S: Final = 8.0
_PROBE_TIMEOUT_S: Final = 2.0
_CLOSE_TIMEOUT_S: Final = 2.0
_LOG_EVERY: Final = 60


class PlatformConnection:
    """What the requests share; it survives any outage of the database."""

    def __init__(
        self,
        database_url: SecretStr,
        snapshots: SnapshotRefresher,
        taste_versions: TasteRefresher,
        resources: ResourceProbe,
        *,
        poll_s: float,
    ) -> None:
        self._url = database_url
        self._snapshots = snapshots
        self._taste_versions = taste_versions
        self._resources = resources
        self._poll_s = poll_s
        self._pool: Pool | None = None
        # Whoever waits for a connection of the pool may be overtaken again and again by those who come later.
        self._slots = asyncio.Semaphore(_POOL_SIZE)
        self._changed = asyncio.Event()

    def snapshot(self) -> Snapshot:
        """Return the current snapshot; raises `SnapshotUnavailable`."""
        if self._snapshots.snapshot is not None:
            return self._snapshots.snapshot
        raise SnapshotUnavailable(
            "no model is registered yet; an extractor registers one when it starts"
            if self._snapshots.is_initialised
            else "the index is being loaded"
        )

    def taste(self) -> TasteVersion | None:
        """Return the current taste version, None while there is none."""
        return self._taste_versions.version

    async def problems(self) -> dict[str, str]:
        """Return what is missing though requests are answered, with a clause about each."""
        versions = {"index": self._snapshots.problem, "taste": self._taste_versions.problem}
        return {**await self._resources.problems(), **{name: text for name, text in versions.items() if text}}

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Pool]:
        """Lend the pool to one request, to as many at a time as it has connections, first come, first served.

        Raises `DatabaseUnavailable` where the database does not answer. A request must not borrow it twice at a time.
        """
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S), self._slots:
                if self._pool is None:
                    raise DatabaseUnavailable("the database does not answer")
                yield self._pool
        except CONNECTION_FAILURES as error:
            raise DatabaseUnavailable("the database does not answer") from error

    async def probe(self) -> None:
        """Check that the database answers; raises `DatabaseUnavailable`."""
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S), self.database() as pool:
                await database.ping(pool)
        except TimeoutError as error:
            raise DatabaseUnavailable("the database does not answer") from error

    @asynccontextmanager
    async def run(self) -> AsyncIterator[PlatformConnection]:
        """Stay connected and refresh while the block runs."""
        tasks = [
            asyncio.create_task(_repeat(self._refresh, _pause, "connecting to the database")),
            asyncio.create_task(_repeat(self._listen, _pause, "listening for notifications")),
        ]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _refresh(self) -> None:
        async with database.connect(
            self._url.get_secret_value(),
            size=_POOL_SIZE,
            stateless=True,
            statement_timeout_s=_REQUEST_TIMEOUT_S,
        ) as pool:
            source = DatabaseSource(pool)
            self._pool = pool
            try:
                await asyncio.gather(
                    _repeat(lambda: self._snapshots.refresh(source), self._wait_for_change, "refreshing the index"),
                    _repeat(lambda: self._taste_versions.refresh(pool), self._wait_for_taste_poll, "refreshing taste"),
                )
            finally:
                self._pool = None

    async def _wait_for_change(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._changed.wait()
        # Cleared before the refresh that comes next: what is announced meanwhile causes one more.
        self._changed.clear()

    async def _wait_for_taste_poll(self) -> None:
        # Taste is built once a day, so that nobody waits for it.
        await asyncio.sleep(_TASTE_POLL_FACTOR * self._poll_s)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url.get_secret_value(), timeout=_REQUEST_TIMEOUT_S)
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            for channel in (embeddings.CHANNEL, index_versions.CHANNEL):
                await connection.add_listener(channel, lambda *_: self._changed.set())
            self._changed.set()
            await gone.wait()
        finally:
            with suppress(*CONNECTION_FAILURES):
                await connection.close(timeout=_CLOSE_TIMEOUT_S)


async def _pause() -> None:
    await asyncio.sleep(_RECONNECT_INTERVAL_S)


async def _repeat(
    action: Callable[[], Awaitable[None]], pause: Callable[[], Awaitable[None]], description: str
) -> None:
    """Do `action` again and again for ever; a failure is logged with its number, and work goes on after the pause."""
    failures = 0
    while True:
        try:
            await action()
        except Exception as error:
            failures += 1
            if failures % _LOG_EVERY == 1:
                surprising = not isinstance(error, CONNECTION_FAILURES)
                log.warning("%s failed (%d in a row): %r", description, failures, error, exc_info=surprising)
        else:
            if failures:
                log.info("%s works again after %d failures", description, failures)
            failures = 0
        await pause()
