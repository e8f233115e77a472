"""Following the space: model, published version and newest vectors become one snapshot after another."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from api.errors import VersionRefused
from api.snapshot import Snapshot
from api.tail import Tail
from catalog.errors import StoreUnavailable
from features.projection import Projection
from features.shipped import shipped_projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.cache import VersionCache
    from api.source import VectorSource
    from catalog.models import Model
    from catalog.versions import Version
    from space.version import IndexVersion

log = logging.getLogger(__name__)

_BATCH: Final = 10_000


class Follower:
    """Keeps `snapshot` up to date; one task calls `refresh`, any number of requests read `snapshot`.

    `has_looked` tells an empty platform from one that was not asked yet.
    A version that is refused or cannot be fetched is tried again after `patience_s` seconds; until then the one before
    it answers, or, where there is none, an exact scan over everything.
    """

    def __init__(
        self, cache: VersionCache, *, patience_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.snapshot: Snapshot | None = None
        self.has_looked = False
        self._cache = cache
        self._tail: Tail | None = None
        self._patience_s = patience_s
        self._clock = clock
        self._not_before: dict[str, float] = {}

    async def refresh(self, source: VectorSource) -> None:
        """Take over what has changed since the last call; raises what `source` raises, leaving the snapshot whole."""
        model = await source.current_model()
        if model is None:
            self.snapshot = self._tail = None
            self.has_looked = True
            return
        published = await source.published(model.model)
        snapshot = self.snapshot
        if snapshot is None or snapshot.model != model:
            await self._move(source, model, published, await self._open(published, model))
        elif snapshot.version_name == (published.version if published else None):
            await self._grow(source, snapshot)
        else:
            opened = await self._open(published, model)
            if opened is None and published is not None:
                await self._grow(source, snapshot)
            else:
                await self._move(source, model, published, opened)
        self.has_looked = True

    async def _grow(self, source: VectorSource, snapshot: Snapshot) -> None:
        assert self._tail is not None  # noqa: S101 - set together with the snapshot
        if await _catch_up(self._tail, source, snapshot.model.model):
            self.snapshot = replace(snapshot, tail=self._tail.view())

    async def _move(
        self, source: VectorSource, model: Model, published: Version | None, opened: IndexVersion | None
    ) -> None:
        projection = opened.projection if opened else _first_projection(model)
        tail = Tail(projection, after_seq=opened.manifest.up_to_seq if opened else 0)
        await _catch_up(tail, source, model.model)
        self._tail = tail
        self.snapshot = Snapshot(model, opened, projection, tail.view())
        log.info(
            "answering from model %s, index version %s with %d tracks, and %d newer ones",
            model.model,
            self.snapshot.version_name,
            self.snapshot.indexed,
            len(self.snapshot.tail),
        )
        if opened is not None:
            await self._cache.keep_only(published)

    async def _open(self, version: Version | None, model: Model) -> IndexVersion | None:
        if version is None or self._clock() < self._not_before.get(version.version, 0.0):
            return None
        try:
            return await self._cache.open(version, model)
        except VersionRefused as error:
            log.error("index version %s is refused: %s", version.version, error)  # noqa: TRY400 - says it all
        except StoreUnavailable as error:
            log.warning("index version %s could not be fetched yet: %s", version.version, error)
        self._not_before = {version.version: self._clock() + self._patience_s}
        return None


def _first_projection(model: Model) -> Projection:
    return shipped_projection(model.model) or Projection.identity(model.dimensions)


async def _catch_up(tail: Tail, source: VectorSource, model: str) -> int:
    added = 0
    while written := await source.newer_than(model, tail.last_seq, _BATCH):
        await asyncio.to_thread(tail.extend, written)
        added += len(written)
        if len(written) < _BATCH:
            break
    return added
