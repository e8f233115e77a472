"""The indexer of taste: rebuilds it when enough favourites have changed."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from soundalike.db import embeddings, favorites, taste_versions
from soundalike.db.taste_versions import TasteVersionRecord
from soundalike.errors import TransientError
from soundalike.indexer import version_folders
from soundalike.indexer.background import run_in_daemon_thread
from soundalike.indexer.build_dir import BuildDir
from soundalike.indexer.damage_check import DamageCheck
from soundalike.indexer.errors import NothingToIndex
from soundalike.indexer.poller import Poller, builder_lock
from soundalike.similarity.taste.builder import build_taste
from soundalike.similarity.taste.favorite_pairs import FavoritePairsBuilder
from soundalike.similarity.taste.manifest import TasteManifest
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of
from soundalike.storage.object_keys import TASTE, taste_prefix
from soundalike.storage.stored_version import StoredVersion

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Connection, Pool
    from soundalike.indexer.settings import IndexerSettings
    from soundalike.similarity.taste.favorite_pairs import FavoritePairs
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)

_BUILDER_LOCK: Final = "taste builder"


class TasteIndexer:
    """Builds and publishes taste versions, one builder at a time over all machines."""

    def __init__(self, pool: Pool, store: ObjectStore, settings: IndexerSettings) -> None:
        self._pool = pool
        self._store = store
        self._settings = settings
        self._build_dir = BuildDir.of(settings.index_work_dir, settings.database_url.get_secret_value(), "taste")
        self.damage_check = DamageCheck("taste version")
        self.poller = Poller(self.build_if_due, poll_s=settings.taste_poll_s, what="taste")

    async def run(self, stop: asyncio.Event) -> None:
        """Build whenever a version is due, until `stop` is set; a running build is then abandoned.

        Begins by removing what a killed build has left; raises `UnusableDirectory` where its folder is not safe.
        """
        await asyncio.to_thread(self._build_dir.remove_leftovers)
        await self.poller.run(stop)

    async def build_if_due(self) -> TasteVersionRecord | None:
        """Build and publish if a version is due; returns it, or None."""
        published = await taste_versions.get_published(self._pool)
        reason = await self._build_reason(published)
        if reason is None:
            return None
        log.info("taste is due: %s", reason)
        return await self.build()

    async def build(self) -> TasteVersionRecord:
        """Build a version of all favourites now and publish it.

        Raises `NothingToIndex`, `BuilderBusy`, `StoreUnavailable`, `similarity.taste.errors.TooFewFavorites`, or what
        asyncpg raises when the database is away; in every case the version before stays published.
        """
        async with self._pool.acquire() as connection, builder_lock(connection, _BUILDER_LOCK):
            count, pairs = await _read(connection)
            if not count:
                raise NothingToIndex("there are no favourites yet: crawl SoundCloud first (docs/sources-and-terms.md)")
            built_at = datetime.now(UTC)
            version = version_folders.timestamp(built_at)
            with self._build_dir.lock() as lock:
                self._build_dir.clear()
                folder, prefix = self._build_dir.version, taste_prefix(version)
                work = lock.share_with(lambda: self._build_files(folder, version, built_at, pairs))
                try:
                    manifest = await run_in_daemon_thread(work)
                    await version_folders.upload(self._store, prefix, folder, manifest)
                    digest = sha256_of(folder / MANIFEST)
                finally:
                    self._build_dir.clear()
            row = TasteVersionRecord(version, manifest.method, count, manifest.tracks, prefix, digest)
            await taste_versions.publish(connection, row)
            log.info("published taste %s: %d pairs of %d tracks", version, manifest.pairs, manifest.tracks)
            await self._prune(version)
        return row

    def _build_files(self, folder: Path, version: str, built_at: datetime, pairs: FavoritePairs) -> TasteManifest:
        folder.mkdir()
        return build_taste(folder, version, built_at, pairs, self._settings.taste_parameters)

    async def _build_reason(self, published: TasteVersionRecord | None) -> str | None:
        count = await favorites.count(self._pool)
        if published is None or published.published_at is None:
            return f"first version, {count} favourites" if count >= self._settings.taste_fewest else None
        stored = StoredVersion(self._store, published.location, TasteManifest, published.manifest_sha256)
        if damage := await self.damage_check.find(self._pool, published.version, stored):
            return f"the published version is damaged: {damage}"
        changed = abs(count - published.favorites)
        if changed >= max(1.0, self._settings.taste_growth * published.favorites):
            return f"there are {count} favourites, it was built from {published.favorites}"
        age_s = (datetime.now(UTC) - published.published_at).total_seconds()
        if changed and age_s >= self._settings.taste_max_age_s:
            return f"it is {age_s:.0f} s old"
        forgotten_s = await embeddings.oldest_forgotten_s(self._pool, published.published_at)
        if forgotten_s is not None and forgotten_s > self._settings.index_forget_s:
            return f"a track was forgotten {forgotten_s:.0f} s ago and is still in the files"
        return None

    async def _prune(self, published: str) -> None:
        """Delete the files of versions before the last `index_keep_versions`, and those of crashed builds."""
        try:
            stored = await version_folders.list_keys(self._store, TASTE)
            old = version_folders.outdated(stored, published, keep=self._settings.index_keep_versions)
            for keys in old.values():
                await version_folders.delete(self._store, keys)
        except TransientError as error:
            log.warning("old versions of taste stay in the bucket until the next build: %s", error)


async def _read(connection: Connection) -> tuple[int, FavoritePairs]:
    """Return the number of favourites, and those of tracks that may be shown, in one snapshot."""
    builder = FavoritePairsBuilder()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        count = await favorites.count(connection)
        async for user, track in favorites.stream(connection):
            builder.add(user, track)
    return count, builder.build()
