"""Where the space is read from: the catalogue's database, or one in memory for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from soundalike.db import embeddings, models
from soundalike.db import index_versions as versions

if TYPE_CHECKING:
    from collections.abc import Collection, Set
    from datetime import datetime

    from soundalike.db.database import Pool
    from soundalike.db.embeddings import StoredVector
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.models import EmbeddingModel


class VectorSource(Protocol):
    """What has to be known to follow the space."""

    async def current_model(self) -> EmbeddingModel | None:
        """Return the model that is answered from, or None before there is one."""

    async def published(self, model: str) -> IndexVersionRecord | None:
        """Return the published index version of a model, or None while there is none."""

    async def newer_than(self, model: str, seq: int, limit: int) -> list[StoredVector]:
        """Return up to `limit` vectors that a model wrote after `seq`, oldest first."""

    async def absent_since(self, moment: datetime) -> list[tuple[str, datetime]]:
        """Return the tracks that are forgotten or gone since `moment` or later, and when, oldest first."""

    async def absent_among(self, urns: Collection[str]) -> Set[str]:
        """Return the tracks among `urns` that are forgotten or gone."""


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """The catalogue in PostgreSQL."""

    pool: Pool

    async def current_model(self) -> EmbeddingModel | None:
        """Return the model that is answered from, or None before there is one."""
        return await models.current(self.pool)

    async def published(self, model: str) -> IndexVersionRecord | None:
        """Return the published index version of a model, or None while there is none."""
        return await versions.get_published(self.pool, model)

    async def newer_than(self, model: str, seq: int, limit: int) -> list[StoredVector]:
        """Return up to `limit` vectors that a model wrote after `seq`, oldest first."""
        return await embeddings.newer_than(self.pool, model, seq, limit=limit)

    async def absent_since(self, moment: datetime) -> list[tuple[str, datetime]]:
        """Return the tracks that are forgotten or gone since `moment` or later, and when, oldest first."""
        return await embeddings.absent_since(self.pool, moment)

    async def absent_among(self, urns: Collection[str]) -> Set[str]:
        """Return the tracks among `urns` that are forgotten or gone."""
        return await embeddings.absent_among(self.pool, urns)


@dataclass(slots=True)
class MemorySource:
    """A catalogue in memory, for tests."""

    model: EmbeddingModel | None = None
    versions: dict[str, IndexVersionRecord] = field(default_factory=dict)
    vectors: dict[str, list[StoredVector]] = field(default_factory=dict)
    absent: list[tuple[str, datetime]] = field(default_factory=list)

    async def current_model(self) -> EmbeddingModel | None:
        """Return the model that is answered from, or None before there is one."""
        return self.model

    async def published(self, model: str) -> IndexVersionRecord | None:
        """Return the published index version of a model, or None while there is none."""
        return self.versions.get(model)

    async def newer_than(self, model: str, seq: int, limit: int) -> list[StoredVector]:
        """Return up to `limit` vectors that a model wrote after `seq`, oldest first."""
        return sorted((v for v in self.vectors.get(model, []) if v.seq > seq), key=lambda v: v.seq)[:limit]

    async def absent_since(self, moment: datetime) -> list[tuple[str, datetime]]:
        """Return the tracks that are forgotten or gone since `moment` or later, and when, oldest first."""
        return sorted((each for each in self.absent if each[1] >= moment), key=lambda each: each[1])

    async def absent_among(self, urns: Collection[str]) -> Set[str]:
        """Return the tracks among `urns` that are forgotten or gone."""
        return {urn for urn, _ in self.absent} & set(urns)
