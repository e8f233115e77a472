"""Keeps the taste version up to date: downloaded once, verified, mapped into memory."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from soundalike.api.artifact_cache import ArtifactCache, PublishedArtifact
from soundalike.api.errors import InvalidVersion
from soundalike.db import taste_versions
from soundalike.errors import StoreUnavailable
from soundalike.similarity.taste.manifest import TasteManifest
from soundalike.similarity.taste.version import TasteVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.db.database import Executor
    from soundalike.storage.object_store import ObjectStore

log = logging.getLogger(__name__)


class TasteRefresher:
    """Keeps `version` up to date; one task calls `refresh`, any number of requests read it.

    The files lie below `root`/taste. A version that is refused or cannot be fetched is tried again after
    `retry_interval_s` seconds; until then the one before it answers, if there is one.
    """

    def __init__(
        self,
        root: Path,
        store: ObjectStore,
        *,
        retry_interval_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.version: TasteVersion | None = None
        self.problem: str | None = None
        """Why the published version is not the one that answers, if that is so."""
        self._artifacts = ArtifactCache(root / "taste", store, TasteManifest, "taste version")
        self._retry_interval_s = retry_interval_s
        self._clock = clock
        self._next_attempt_at = 0.0

    async def refresh(self, db: Executor) -> None:
        """Take over what was published since the last call; raises what the database raises."""
        row = await taste_versions.get_published(db)
        if row is None:
            self.version = self.problem = None
            return
        if (self.version is not None and self.version.manifest.version == row.version) or (
            self._clock() < self._next_attempt_at
        ):
            return
        try:
            artifact = PublishedArtifact(row.version, row.location, row.manifest_sha256)
            self.version = await self._artifacts.open(artifact, TasteVersion.open)
        except InvalidVersion as error:
            log.error("taste version %s is invalid: %s", row.version, error)  # noqa: TRY400 - says it all
            self.problem = f"taste version {row.version} cannot be used; the log of the API says why"
        except StoreUnavailable as error:
            log.warning("taste version %s could not be downloaded yet: %s", row.version, error)
            self.problem = f"taste version {row.version} could not be downloaded yet"
        else:
            self.problem = None
            log.info("using taste version %s with %d tracks", row.version, len(self.version))
            await self._artifacts.keep_only(row.version)
            return
        self._next_attempt_at = self._clock() + self._retry_interval_s
