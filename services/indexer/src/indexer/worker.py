"""The indexer at work: looks how long the tail is, builds and publishes when a version is due."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from catalog import embeddings, models, versions
from catalog.errors import TransientError
from indexer import publishing
from indexer.albums import known_albums
from indexer.background import in_background
from indexer.building import build
from indexer.errors import EXPECTED_FAILURES, BuilderBusy, NothingToIndex, RecallTooLow
from indexer.gathering import gather, gathered_before
from indexer.projecting import FEWEST_TO_REFIT, choose
from indexer.schedule import Indexed, due
from indexer.worksite import Worksite
from space.errors import SpaceError
from space.manifest import FORMAT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalog.database import Connection, Pool
    from catalog.models import Model
    from catalog.store import ObjectStore
    from catalog.versions import Version
    from indexer.gathering import Gathered
    from indexer.projecting import Choice
    from indexer.settings import IndexerSettings
    from indexer.worksite import Claim
    from space.manifest import Manifest

log = logging.getLogger(__name__)

# Any constant; it only has to differ from the other advisory locks of the catalogue.
_BUILDER_LOCK: Final = 0x50_1A_11_D0
_LONGEST_WAIT_S: Final = 300.0
_SAY_AGAIN_S: Final = 3_600.0

_LOCK = "SELECT pg_try_advisory_lock($1)"
_UNLOCK = "SELECT pg_advisory_unlock($1)"


class Indexer:
    """Builds and publishes versions of the current model, one builder at a time over all machines."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: IndexerSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings
        self._site = Worksite.of(settings.index_work_dir, settings.database_url.get_secret_value())
        self._said_until = 0.0
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
        indexed = await self._indexed(published) if published else None
        reason = due(indexed, tail, self._settings.thresholds)
        if reason is None:
            return None
        if published is not None and published.held:
            self._say_held(published, reason)
            return None
        log.info("a version is due: %s", reason)
        return await self.build()

    async def build(self, *, publish: bool = True) -> Version:
        """Build a version of the current model now, and publish it unless told not to.

        A build that a crash ended goes on where it stood. Raises `NothingToIndex`, `BuilderBusy`, `DiskTooFull`,
        `RecallTooLow`, `StoreUnavailable`, or what asyncpg raises when the database is away; in every case the
        version before goes on answering.
        """
        async with self._pool.acquire() as connection, _sole_builder(connection):
            model = await models.current(connection)
            if model is None:
                raise NothingToIndex("no model is registered yet; start an extractor first")
            with self._site.claim() as claim:
                version = await self._built(connection, model, claim)
                if publish:
                    await publishing.publish(connection, self._store, version)
                self._site.clear()
            published = version if publish else await versions.published(connection, model.model)
            if published is not None:
                await self._prune(connection, published)
        return version

    async def publish(self, name: str | None = None) -> Version:
        """Publish the version of that name, or the newest; any but the newest is held against automatic builds.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            listed = await self._listed(connection)
            chosen = publishing.find(listed, name)
            held = chosen.version != publishing.find(listed, None).version
            await publishing.publish(connection, self._store, chosen, held=held)
        return replace(chosen, held=held)

    async def rollback(self, name: str | None = None) -> Version:
        """Go back to the version of that name, or to the one before the published; no automatic build follows.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            listed = await self._listed(connection)
            chosen = publishing.find(listed, name) if name else publishing.before(listed)
            await publishing.publish(connection, self._store, chosen, held=True)
        return replace(chosen, held=True)

    async def listed(self) -> list[Version]:
        """Return the versions of the current model, newest first; raises `NothingToIndex`."""
        async with self._pool.acquire() as connection:
            return await self._listed(connection)

    async def _listed(self, connection: Connection) -> list[Version]:
        model = await models.current(connection)
        if model is None:
            raise NothingToIndex("no model is registered yet; start an extractor first")
        return await versions.listed(connection, model.model)

    async def _built(self, connection: Connection, model: Model, claim: Claim) -> Version:
        parameters, begun = self._settings.build_parameters, time.monotonic()
        intent = {"model": model.model, "parameters": asdict(parameters), "fit_rows": self._settings.index_fit_rows}
        gathered, built_at = await self._gathered(connection, model, intent)
        albums = []
        if len(gathered.names) >= FEWEST_TO_REFIT:
            albums = await known_albums(connection, model.model, gathered.up_to_seq, gathered.urns)

        def work() -> tuple[Manifest, Choice]:
            projection, choice = choose(
                model.model, gathered.vectors, albums, fit_rows=self._settings.index_fit_rows, seed=parameters.seed
            )
            return build(gathered, projection, self._site.version, built_at, parameters), choice

        try:
            manifest, choice = await in_background(claim.share(work))
        except (SpaceError, RecallTooLow):
            # Taken up again it would fail again.
            self._site.clear()
            raise
        more = {"projection": choice.as_parameters(), "build_s": round(time.monotonic() - begun, 1)}
        return await publishing.upload(connection, self._store, manifest, self._site.version, more)

    async def _gathered(
        self, connection: Connection, model: Model, intent: dict[str, Any]
    ) -> tuple[Gathered, datetime]:
        plan = self._site.plan()
        if plan is not None and plan.get("intent") == intent:
            try:
                gathered = gathered_before(self._site.folder, model.model, int(plan["up_to_seq"]))
                built_at = datetime.fromisoformat(plan["built_at"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("the build that was begun before cannot be taken up: %s", error)
            else:
                log.info("taking up the build of %d vectors that was begun at %s", len(gathered.names), built_at)
                return gathered, built_at
        self._site.clear()
        gathered = await gather(connection, model, self._site.folder, self._settings.build_parameters)
        built_at = datetime.now(UTC)
        self._site.set_out({"intent": intent, "up_to_seq": gathered.up_to_seq, "built_at": built_at.isoformat()})
        return gathered, built_at

    async def _prune(self, connection: Connection, published: Version) -> None:
        try:
            await publishing.prune(connection, self._store, published, keep=self._settings.index_keep_versions)
        except TransientError as error:
            log.warning("old versions stay in the bucket until the next build: %s", error)

    async def _indexed(self, published: Version) -> Indexed:
        parameters = published.parameters
        return Indexed(
            tracks=published.tracks,
            build_s=float(parameters.get("build_s", 0.0)),
            readable=parameters.get("format") == FORMAT,
            forgotten_s=await embeddings.oldest_forgotten_s(self._pool, published.created_at)
            if published.created_at
            else None,
        )

    def _say_held(self, published: Version, reason: str) -> None:
        if time.monotonic() < self._said_until:
            return
        self._said_until = time.monotonic() + _SAY_AGAIN_S
        log.warning(
            "a version is due (%s), but %s was chosen by hand and is held; `index publish` or `index build` ends that",
            reason,
            published.version,
        )

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
