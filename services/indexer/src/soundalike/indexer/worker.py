"""The indexer at work: looks how long the tail is, builds and publishes when a version is due."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from soundalike.db import embeddings, index_versions, models
from soundalike.errors import TransientError
from soundalike.indexer import publisher
from soundalike.indexer.albums import known_albums
from soundalike.indexer.background import in_background
from soundalike.indexer.build_dir import Worksite
from soundalike.indexer.errors import NothingToIndex, RecallTooLow
from soundalike.indexer.export import gather, gathered_before
from soundalike.indexer.poller import Lookout, sole_builder
from soundalike.indexer.projection_selection import FEWEST_TO_REFIT, choose
from soundalike.indexer.schedule import Indexed, due
from soundalike.indexer.version_build import build
from soundalike.similarity.index.errors import SearchIndexError
from soundalike.similarity.index.manifest import FORMAT
from soundalike.storage.artifacts.errors import ArtifactError

if TYPE_CHECKING:
    import asyncio

    from soundalike.db.database import Connection, Pool
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.models import EmbeddingModel
    from soundalike.indexer.build_dir import Claim
    from soundalike.indexer.export import Gathered
    from soundalike.indexer.projection_selection import Choice
    from soundalike.indexer.settings import IndexerSettings
    from soundalike.similarity.index.manifest import Manifest
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

# Any constant; it only has to differ from the other advisory locks of the catalogue.
BUILDER_LOCK: Final = 0x50_1A_11_D0
_SAY_AGAIN_S: Final = 3_600.0


class Indexer:
    """Builds and publishes versions of the current model, one builder at a time over all machines."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: IndexerSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings
        self._site = Worksite.of(settings.index_work_dir, settings.database_url.get_secret_value())
        self._said_until = 0.0
        self.lookout = Lookout(self.look, poll_s=settings.index_poll_s, what="version")

    async def run(self, stop: asyncio.Event) -> None:
        """Look, and build when due, until `stop` is set; a build under way is then given up, nothing is published."""
        await self.lookout.run(stop)

    async def look(self) -> IndexVersionRecord | None:
        """Build and publish if a version is due; returns it, or None."""
        model = await models.current(self._pool)
        if model is None:
            return None
        published = await index_versions.published(self._pool, model.model)
        tail = await embeddings.tail_size(self._pool, model.model, published.up_to_seq if published else 0)
        indexed = await self._indexed(published) if published else None
        reason = due(indexed, tail, self._settings.thresholds)
        if reason is None:
            return None
        if published is not None and published.pinned:
            self._log_pinned(published, reason)
            return None
        log.info("a version is due: %s", reason)
        return await self.build()

    async def build(self, *, publish: bool = True) -> IndexVersionRecord:
        """Build a version of the current model now, and publish it unless told not to.

        A build that a crash ended goes on where it stood. Raises `NothingToIndex`, `BuilderBusy`, `DiskTooFull`,
        `RecallTooLow`, `StoreUnavailable`, or what asyncpg raises when the database is away; in every case the
        version before goes on answering.
        """
        async with self._pool.acquire() as connection, sole_builder(connection, BUILDER_LOCK):
            model = await models.current(connection)
            if model is None:
                raise NothingToIndex("no model is registered yet; start an extractor first")
            with self._site.claim() as claim:
                version = await self._built(connection, model, claim)
                if publish:
                    await publisher.publish(connection, self._store, version)
                self._site.clear()
            published = version if publish else await index_versions.published(connection, model.model)
            if published is not None:
                await self._prune(connection, published)
        return version

    async def publish(self, name: str | None = None) -> IndexVersionRecord:
        """Publish the version of that name, or the newest; any other is pinned, so that no automatic build replaces it.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            listed = await self._listed(connection)
            chosen = publisher.find(listed, name)
            pinned = chosen.version != publisher.find(listed, None).version
            await publisher.publish(connection, self._store, chosen, pinned=pinned)
        return replace(chosen, pinned=pinned)

    async def rollback(self, name: str | None = None) -> IndexVersionRecord:
        """Go back to the version of that name, or to the one before the published; no automatic build follows.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            listed = await self._listed(connection)
            chosen = publisher.find(listed, name) if name else publisher.before(listed)
            await publisher.publish(connection, self._store, chosen, pinned=True)
        return replace(chosen, pinned=True)

    async def listed(self) -> list[IndexVersionRecord]:
        """Return the versions of the current model, newest first; raises `NothingToIndex`."""
        async with self._pool.acquire() as connection:
            return await self._listed(connection)

    async def _listed(self, connection: Connection) -> list[IndexVersionRecord]:
        model = await models.current(connection)
        if model is None:
            raise NothingToIndex("no model is registered yet; start an extractor first")
        return await index_versions.list_versions(connection, model.model)

    async def _built(self, connection: Connection, model: EmbeddingModel, claim: Claim) -> IndexVersionRecord:
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
        except (ArtifactError, SearchIndexError, RecallTooLow):
            # Taken up again it would fail again.
            self._site.clear()
            raise
        more = {"projection": choice.as_parameters(), "build_s": round(time.monotonic() - begun, 1)}
        return await publisher.upload(connection, self._store, manifest, self._site.version, more)

    async def _gathered(
        self, connection: Connection, model: EmbeddingModel, intent: dict[str, Any]
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

    async def _prune(self, connection: Connection, published: IndexVersionRecord) -> None:
        try:
            await publisher.prune(connection, self._store, published, keep=self._settings.index_keep_versions)
        except TransientError as error:
            log.warning("old versions stay in the bucket until the next build: %s", error)

    async def _indexed(self, published: IndexVersionRecord) -> Indexed:
        parameters = published.parameters
        return Indexed(
            tracks=published.tracks,
            build_s=float(parameters.get("build_s", 0.0)),
            readable=parameters.get("format") == FORMAT,
            forgotten_s=await embeddings.oldest_forgotten_s(self._pool, published.created_at)
            if published.created_at
            else None,
        )

    def _log_pinned(self, published: IndexVersionRecord, reason: str) -> None:
        if time.monotonic() < self._said_until:
            return
        self._said_until = time.monotonic() + _SAY_AGAIN_S
        log.warning(
            "a version is due (%s), but %s was pinned by hand; `index publish` or `index build` ends that",
            reason,
            published.version,
        )
