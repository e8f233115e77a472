"""The indexer: builds and publishes a version when enough tracks are newer than the published one."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from soundalike.db import embeddings, index_versions, models
from soundalike.errors import TransientError
from soundalike.indexer import publisher
from soundalike.indexer.albums import known_albums
from soundalike.indexer.background import run_in_daemon_thread
from soundalike.indexer.build_dir import BuildDir
from soundalike.indexer.damage_check import DamageCheck
from soundalike.indexer.errors import NothingToIndex, RecallTooLow
from soundalike.indexer.export import export_vectors, open_export
from soundalike.indexer.poller import Poller, builder_lock
from soundalike.indexer.projection_selection import MIN_TRACKS_TO_REFIT, select_projection
from soundalike.indexer.schedule import PublishedIndex, build_reason
from soundalike.indexer.version_build import build
from soundalike.similarity.index.errors import SearchIndexError
from soundalike.similarity.index.manifest import FORMAT, Manifest
from soundalike.storage.artifacts.errors import ArtifactError
from soundalike.storage.stored_version import StoredVersion

if TYPE_CHECKING:
    from soundalike.db.database import Connection, Pool
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.models import EmbeddingModel
    from soundalike.indexer.build_dir import BuildDirLock
    from soundalike.indexer.export import VectorExport
    from soundalike.indexer.projection_selection import ProjectionChoice
    from soundalike.indexer.settings import IndexerSettings
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

BUILDER_LOCK: Final = "index builder"
_WARNING_INTERVAL_S: Final = 3_600.0


class Indexer:
    """Builds and publishes versions of the current model, one builder at a time over all machines."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: IndexerSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings
        self._build_dir = BuildDir.of(settings.index_work_dir, settings.database_url.get_secret_value(), "index")
        self.damage_check = DamageCheck("index version")
        self._next_warning = 0.0
        self.poller = Poller(self.build_if_due, poll_s=settings.index_poll_s, what="version")

    async def run(self, stop: asyncio.Event) -> None:
        """Build whenever a version is due, until `stop` is set; a running build is then abandoned.

        Begins by removing what a killed build has left; raises `UnusableDirectory` where its folder is not safe.
        """
        await asyncio.to_thread(self._build_dir.remove_leftovers)
        await self.poller.run(stop)

    async def build_if_due(self) -> IndexVersionRecord | None:
        """Build and publish if a version is due; returns it, or None."""
        model = await models.current(self._pool)
        if model is None:
            return None
        published = await index_versions.get_published(self._pool, model.model)
        tail = await embeddings.tail_size(self._pool, model.model, published.up_to_seq if published else 0)
        index = await self._published_index(published) if published else None
        reason = build_reason(index, tail, self._settings.thresholds)
        if reason is None:
            return None
        # Of a pinned version whose files are gone nothing is left to keep.
        if published is not None and published.pinned and not (index and index.damage):
            self._log_pinned(published, reason)
            return None
        log.info("a version is due: %s", reason)
        return await self.build()

    async def build(self, *, publish: bool = True) -> IndexVersionRecord:
        """Build a version of the current model now, and publish it unless told not to.

        A build that was interrupted continues where it stopped. Raises `NothingToIndex`, `BuilderBusy`, `DiskTooFull`,
        `RecallTooLow`, `StoreUnavailable`, or what asyncpg raises when the database is away; in every case the
        version before stays published.
        """
        async with self._pool.acquire() as connection, builder_lock(connection, BUILDER_LOCK):
            model = await models.current(connection)
            if model is None:
                raise NothingToIndex("no model is registered yet; start an extractor first")
            with self._build_dir.lock() as lock:
                version = await self._build(connection, model, lock)
                if publish:
                    await publisher.publish(connection, self._store, version)
                self._build_dir.clear()
            published = version if publish else await index_versions.get_published(connection, model.model)
            if published is not None:
                await self._prune(connection, published)
        return version

    async def publish(self, name: str | None = None) -> IndexVersionRecord:
        """Publish the version of that name, or the newest; any other is pinned, so that no automatic build replaces it.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            versions = await self._list_versions(connection)
            selected = publisher.find_version(versions, name)
            pinned = selected.version != publisher.find_version(versions, None).version
            await publisher.publish(connection, self._store, selected, pinned=pinned)
        return replace(selected, pinned=pinned)

    async def rollback(self, name: str | None = None) -> IndexVersionRecord:
        """Go back to the version of that name, or to the one before the published; no automatic build follows.

        Raises `NoSuchVersion`, `NothingToIndex`.
        """
        async with self._pool.acquire() as connection:
            versions = await self._list_versions(connection)
            selected = publisher.find_version(versions, name) if name else publisher.previous_version(versions)
            await publisher.publish(connection, self._store, selected, pinned=True)
        return replace(selected, pinned=True)

    async def list_versions(self) -> list[IndexVersionRecord]:
        """Return the versions of the current model, newest first; raises `NothingToIndex`."""
        async with self._pool.acquire() as connection:
            return await self._list_versions(connection)

    async def _list_versions(self, connection: Connection) -> list[IndexVersionRecord]:
        model = await models.current(connection)
        if model is None:
            raise NothingToIndex("no model is registered yet; start an extractor first")
        return await index_versions.list_versions(connection, model.model)

    async def _build(self, connection: Connection, model: EmbeddingModel, lock: BuildDirLock) -> IndexVersionRecord:
        parameters, started_at = self._settings.build_parameters, time.monotonic()
        intent = {"model": model.model, "parameters": asdict(parameters), "fit_rows": self._settings.index_fit_rows}
        export, built_at = await self._export(connection, model, intent)
        albums = []
        if len(export.names) >= MIN_TRACKS_TO_REFIT:
            albums = await known_albums(connection, model.model, export.up_to_seq, export.urns)

        def work() -> tuple[Manifest, ProjectionChoice]:
            projection, choice = select_projection(
                model.model, export.vectors, albums, fit_rows=self._settings.index_fit_rows, seed=parameters.seed
            )
            return build(export, projection, self._build_dir.version, built_at, parameters), choice

        try:
            manifest, choice = await run_in_daemon_thread(lock.share_with(work))
        except (ArtifactError, SearchIndexError, RecallTooLow):
            # Continuing it would fail again.
            self._build_dir.clear()
            raise
        extra = {"projection": choice.as_parameters(), "build_s": round(time.monotonic() - started_at, 1)}
        return await publisher.upload(connection, self._store, manifest, self._build_dir.version, extra)

    async def _export(
        self, connection: Connection, model: EmbeddingModel, intent: dict[str, Any]
    ) -> tuple[VectorExport, datetime]:
        plan = self._build_dir.load_plan()
        if plan is not None and plan.get("intent") == intent:
            try:
                export = open_export(self._build_dir.folder, model.model, int(plan["up_to_seq"]))
                built_at = datetime.fromisoformat(plan["built_at"])
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("the interrupted build cannot be continued: %s", error)
            else:
                self._build_dir.remove_partial_files()
                log.info("continuing the build of %d vectors that was started at %s", len(export.names), built_at)
                return export, built_at
        self._build_dir.clear()
        export = await export_vectors(connection, model, self._build_dir.folder, self._settings.build_parameters)
        built_at = datetime.now(UTC)
        self._build_dir.save_plan({"intent": intent, "up_to_seq": export.up_to_seq, "built_at": built_at.isoformat()})
        return export, built_at

    async def _prune(self, connection: Connection, published: IndexVersionRecord) -> None:
        try:
            await publisher.prune(connection, self._store, published, keep=self._settings.index_keep_versions)
        except TransientError as error:
            log.warning("old versions stay in the bucket until the next build: %s", error)

    async def _published_index(self, published: IndexVersionRecord) -> PublishedIndex:
        parameters = published.parameters
        stored = StoredVersion(self._store, published.location, Manifest, published.manifest_sha256)
        return PublishedIndex(
            damage=await self.damage_check.find(self._pool, published.version, stored),
            tracks=published.tracks,
            build_s=float(parameters.get("build_s", 0.0)),
            readable=parameters.get("format") == FORMAT,
            forgotten_s=await embeddings.oldest_forgotten_s(self._pool, published.created_at)
            if published.created_at
            else None,
        )

    def _log_pinned(self, published: IndexVersionRecord, reason: str) -> None:
        if time.monotonic() < self._next_warning:
            return
        self._next_warning = time.monotonic() + _WARNING_INTERVAL_S
        log.warning(
            "a new version is due (%s), but %s is pinned; `index publish` or `index build` continues automatic builds",
            reason,
            published.version,
        )
