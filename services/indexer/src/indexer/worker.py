"""The indexer at work: looks how long the tail is, builds and publishes when a version is due."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from catalog import embeddings, models, versions
from catalog.errors import TransientError
from indexer.background import in_background
from indexer.building import build
from indexer.errors import EXPECTED_FAILURES, BuilderBusy, NothingToIndex
from indexer.gathering import gather
from indexer.publishing import prune, publish
from indexer.schedule import due

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalog.database import Connection, Pool
    from catalog.store import ObjectStore
    from catalog.versions import Version
    from indexer.settings import IndexerSettings

log = logging.getLogger(__name__)

# Any constant; it only has to differ from the other advisory locks of the catalogue.
_BUILDER_LOCK: Final = 0x50_1A_11_D0
_LONGEST_WAIT_S: Final = 300.0

_LOCK = "SELECT pg_try_advisory_lock($1)"
_UNLOCK = "SELECT pg_advisory_unlock($1)"


class Indexer:
    """Builds and publishes versions of the current model, one builder at a time over all machines."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: IndexerSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings
        self.failures = 0
        """How many looks in a row have failed."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look, and build when due, until `stop` is set; a build under way is then given up, nothing is published."""
        while not stop.is_set():
            look = asyncio.create_task(self._look_safely())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({look, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                look.cancel()
                await asyncio.wait({look})
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._wait_s())

    async def look(self) -> Version | None:
        """Build and publish if a version is due; returns it, or None."""
        model = await models.current(self._pool)
        if model is None:
            return None
        published = await versions.published(self._pool, model.model)
        tail = await embeddings.tail(self._pool, model.model, published.up_to_seq if published else 0)
        reason = due(published.tracks if published else None, tail, self._settings.thresholds)
        if reason is None:
            return None
        log.info("a version is due: %s", reason)
        return await self.build()

    async def build(self) -> Version:
        """Build and publish a version of the current model now.

        Raises `NothingToIndex`, `BuilderBusy`, `DiskTooFull`, `RecallTooLow`, `StoreUnavailable`, or what asyncpg
        raises when the database is away; in every case the version before goes on answering.
        """
        async with self._pool.acquire() as connection, _sole_builder(connection):
            model = await models.current(connection)
            if model is None:
                raise NothingToIndex("no model is registered yet; start an extractor first")
            # A build that was given up may still write for a moment, so what it leaves is no error.
            with TemporaryDirectory(prefix="soundalike-index-", ignore_cleanup_errors=True) as folder:
                gathered = await gather(connection, model, Path(folder), trees=self._settings.index_trees)
                directory = Path(folder) / "version"
                manifest = await in_background(
                    lambda: build(
                        gathered,
                        directory,
                        datetime.now(UTC),
                        self._settings.build_parameters,
                        fit_rows=self._settings.index_fit_rows,
                    )
                )
                version = await publish(connection, self._store, manifest, directory)
            try:
                await prune(self._store, version, keep=self._settings.index_keep_versions)
            except TransientError as error:
                log.warning("old versions stay in the bucket until the next build: %s", error)
        return version

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except BuilderBusy as busy:
            log.info("%s", busy)
        except EXPECTED_FAILURES as error:
            self.failures += 1
            log.error("no version was published (failure %d in a row): %s", self.failures, error)  # noqa: TRY400 - said by its type
        except Exception:
            self.failures += 1
            log.exception("no version was published (failure %d in a row)", self.failures)
        else:
            self.failures = 0

    def _wait_s(self) -> float:
        # A build that failed will mostly fail again; the more often it did, the longer its CPU time is saved.
        return min(self._settings.index_poll_s * 2.0 ** min(self.failures, 20), _LONGEST_WAIT_S)


@asynccontextmanager
async def _sole_builder(connection: Connection) -> AsyncIterator[None]:
    # The lock belongs to the session, and the version is published in that same session: who lost the one cannot do
    # the other.
    if not await connection.fetchval(_LOCK, _BUILDER_LOCK):
        raise BuilderBusy("another indexer is building at this moment")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK, _BUILDER_LOCK)
