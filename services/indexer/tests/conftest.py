from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pytest

from soundalike.db import embeddings, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.domain.track_id import TrackId
from soundalike.indexer.settings import IndexerSettings
from soundalike.indexer.worker import Indexer
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Pool

MODEL = EmbeddingModel("m1-fixed", 160)


class AddTracks(Protocol):
    async def __call__(self, numbers: range, model: EmbeddingModel = MODEL) -> None: ...


def track_of(number: int) -> TrackId:
    return TrackId("deezer", str(100 + number))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def vector_of(number: int) -> np.ndarray:
    """Three of four features correlate, as in real vectors; every track differs."""
    rng = np.random.default_rng(number)
    kind = np.random.default_rng(1000 + number % 8).normal(size=160)
    return (kind + 0.4 * rng.normal(size=160) * np.geomspace(1, 0.1, 160)).astype(np.float32)


@pytest.fixture
async def add_tracks(pool: Pool) -> AddTracks:
    async def save(numbers: range, model: EmbeddingModel = MODEL) -> None:
        async with pool.acquire() as connection:
            await models.register(connection, model)
            for number in numbers:
                track = track_of(number)
                await tracks.ensure(connection, track)
                vector = vector_of(number)
                assert await embeddings.save(connection, Embedding(track, model.model, vector, "k", None, "0", 29.0))

    return save


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> IndexerSettings:
    return IndexerSettings(
        database_url=database_url,
        s3_bucket="soundalike-indexer",
        index_trees=8,
        index_poll_s=0.02,
        index_settle_s=0.0,
        index_work_dir=tmp_path / "work",
    )


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def indexer(pool: Pool, store: MemoryStore, settings: IndexerSettings) -> Indexer:
    return Indexer(pool, store, settings)
