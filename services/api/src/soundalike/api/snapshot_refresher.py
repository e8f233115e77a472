"""Keeps the snapshot up to date with the model, the published version and the newest vectors."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from soundalike.api.errors import InvalidVersion
from soundalike.api.snapshot import Snapshot
from soundalike.api.tail import Tail
from soundalike.errors import StoreUnavailable
from soundalike.similarity.builtin import builtin_projection
from soundalike.similarity.projection import Projection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from typing import Any

    from soundalike.api.index_cache import IndexCache
    from soundalike.api.vector_source import VectorSource
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.models import EmbeddingModel
    from soundalike.similarity.index.version import IndexVersion

log = logging.getLogger(__name__)

_BATCH: Final = 10_000
# How often the tail grows while a version is fetched, which may take minutes.
_GROW_EVERY_S: Final = 0.2
# A track is marked at the beginning of a transaction and seen at its end; none takes longer than this.
_LONGEST_TRANSACTION: Final = timedelta(seconds=60)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class _AbsentTracks:
    """The tracks that are forgotten or gone, as far as is known; the set is replaced, never written to."""

    urns: frozenset[str] = frozenset()
    latest: datetime | None = None

    async def catch_up(self, source: VectorSource) -> frozenset[str]:
        """Learn what is forgotten or gone since the last call; returns what is new."""
        since = self.latest - _LONGEST_TRANSACTION if self.latest else _EPOCH
        rows = await source.absent_since(since)
        if not rows:
            return frozenset()
        self.latest = rows[-1][1] if self.latest is None else max(self.latest, rows[-1][1])
        new = frozenset(urn for urn, _ in rows) - self.urns
        if new:
            self.urns |= new
        return new

    async def check(self, source: VectorSource, urns: Collection[str]) -> None:
        """Take out those of `urns` whose files are there again."""
        if urns:
            self.urns -= frozenset(urns) - await source.absent_among(urns)


@dataclass(frozen=True, slots=True)
class _LoadedVersion:
    """A version beside the one that answers, with all that is newer than it."""

    version: IndexVersion | None
    projection: Projection
    tail: Tail


@dataclass(slots=True)
class SnapshotRefresher:
    """Keeps `snapshot` up to date; one task calls `refresh`, any number of requests read `snapshot`.

    `is_initialised` tells an empty platform from one that was not asked yet. `problem` says why the published version
    is not the one that answers, if that is so. A version that is refused or cannot be
    fetched is tried again after `retry_interval_s` seconds; until then the one before it answers, or, where there is
    none, an exact scan over everything.
    """

    cache: IndexCache
    retry_interval_s: float = 30.0
    clock: Callable[[], float] = time.monotonic
    snapshot: Snapshot | None = field(default=None, init=False)
    is_initialised: bool = field(default=False, init=False)
    problem: str | None = field(default=None, init=False)
    _tail: Tail | None = field(default=None, init=False)
    _absent: _AbsentTracks = field(default_factory=_AbsentTracks, init=False)
    _next_attempts: dict[str, float] = field(default_factory=dict, init=False)

    async def refresh(self, source: VectorSource) -> None:
        """Take over what has changed since the last call; raises what `source` raises, leaving the snapshot whole."""
        model = await source.current_model()
        if model is None:
            self.snapshot = self._tail = self.problem = None
            self.is_initialised = True
            return
        published = await source.published(model.model)
        snapshot = self.snapshot
        if published is None or (snapshot is not None and snapshot.version_name == published.version):
            self.problem = None
        if snapshot is None or snapshot.model != model:
            await self._switch_to(source, model, await self._load(source, model, published), published)
        elif snapshot.version_name == (published.version if published else None) or self._is_backing_off(published):
            await self._grow(source)
        else:
            await self._grow(source)
            prepared = await self._grow_until_done(source, self._load(source, model, published))
            if prepared.version is None and published is not None:
                await self._grow(source)
            else:
                await self._switch_to(source, model, prepared, published)
        self.is_initialised = True

    async def _grow(self, source: VectorSource) -> None:
        """Add to the snapshot what was written or came back, and take out of it what is forgotten or gone."""
        assert self._tail is not None  # noqa: S101 - set together with the snapshot
        assert self.snapshot is not None  # noqa: S101 - the caller has looked
        added = await _extend_tail(self._tail, source, self.snapshot.model.model)
        written_again = self._absent.urns & added
        await self._absent.check(source, written_again)
        if await self._absent.catch_up(source) or written_again:
            self._tail.forget(self._absent.urns)
            self.snapshot = self._snapshot(
                self.snapshot.model, _LoadedVersion(self.snapshot.version, self.snapshot.projection, self._tail)
            )
        elif added:
            self.snapshot = replace(self.snapshot, tail=self._tail.view())

    async def _grow_until_done(self, source: VectorSource, work: Coroutine[Any, Any, _LoadedVersion]) -> _LoadedVersion:
        """Let what answers now grow until `work` is done: tracks that come meanwhile do not wait for it."""
        task = asyncio.create_task(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_GROW_EVERY_S)
                await self._grow(source)
            return await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _load(
        self, source: VectorSource, model: EmbeddingModel, published: IndexVersionRecord | None
    ) -> _LoadedVersion:
        opened = await self._open(published, model)
        projection = opened.projection if opened else _initial_projection(model)
        tail = Tail(projection, after_seq=opened.manifest.up_to_seq if opened else 0)
        if opened is not None or published is None or self.snapshot is None or self.snapshot.model != model:
            await _extend_tail(tail, source, model.model)
        return _LoadedVersion(opened, projection, tail)

    async def _switch_to(
        self, source: VectorSource, model: EmbeddingModel, loaded: _LoadedVersion, published: IndexVersionRecord | None
    ) -> None:
        """Answer from `loaded` from now on, in one assignment."""
        await _extend_tail(loaded.tail, source, model.model)
        await self._absent.check(source, self._absent.urns)
        await self._absent.catch_up(source)
        loaded.tail.forget(self._absent.urns)
        snapshot = await asyncio.to_thread(self._snapshot, model, loaded)
        self._tail, self.snapshot = loaded.tail, snapshot
        log.info(
            "using model %s, index version %s with %d tracks, and %d newer tracks",
            model.model,
            snapshot.version_name,
            snapshot.indexed,
            len(snapshot.tail),
        )
        if loaded.version is not None:
            await self.cache.keep_only(published)

    def _snapshot(self, model: EmbeddingModel, loaded: _LoadedVersion) -> Snapshot:
        absent = self._absent.urns
        indexed = int((loaded.version.rows_of(list(absent)) >= 0).sum()) if loaded.version else 0
        return Snapshot(model, loaded.version, loaded.projection, loaded.tail.view(), absent, indexed)

    def _is_backing_off(self, version: IndexVersionRecord | None) -> bool:
        return version is not None and self.clock() < self._next_attempts.get(version.version, 0.0)

    async def _open(self, version: IndexVersionRecord | None, model: EmbeddingModel) -> IndexVersion | None:
        if version is None or self._is_backing_off(version):
            return None
        try:
            opened = await self.cache.open(version, model)
        except InvalidVersion as error:
            log.error("index version %s is invalid: %s", version.version, error)  # noqa: TRY400 - says it all
            self.problem = f"index version {version.version} cannot be used; the log of the API says why"
        except StoreUnavailable as error:
            log.warning("index version %s could not be downloaded yet: %s", version.version, error)
            self.problem = f"index version {version.version} could not be downloaded yet"
        else:
            self.problem = None
            if self.snapshot is not None:
                # Requests are waiting for answers from the other one: the first searches must not be slow.
                await asyncio.to_thread(opened.warm_up)
            return opened
        self._next_attempts = {version.version: self.clock() + self.retry_interval_s}
        return None


def _initial_projection(model: EmbeddingModel) -> Projection:
    return builtin_projection(model.model) or Projection.identity(model.dimensions)


async def _extend_tail(tail: Tail, source: VectorSource, model: str) -> set[str]:
    added: set[str] = set()
    while written := await source.newer_than(model, tail.last_seq, _BATCH):
        await asyncio.to_thread(tail.extend, written)
        added.update(vector.urn for vector in written)
        if len(written) < _BATCH:
            break
    return added
