from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from soundalike.api.app import create_app
from soundalike.api.settings import ApiSettings
from soundalike.db import embeddings, favorites, index_versions, models, taste_versions, tracks
from soundalike.db.embeddings import Embedding, StoredVector
from soundalike.db.index_versions import IndexVersionRecord
from soundalike.db.models import EmbeddingModel
from soundalike.db.taste_versions import TasteVersionRecord
from soundalike.db.tracks import Track
from soundalike.domain.tags import TAG_SLUGS
from soundalike.domain.track_id import TrackId
from soundalike.errors import StoreUnavailable
from soundalike.provisioning.resources import provision_events
from soundalike.settings import QueueSettings
from soundalike.similarity.index.builder import BuildParameters, VersionIdentity, build_version
from soundalike.similarity.projection import Projection
from soundalike.similarity.taste.builder import build_taste
from soundalike.similarity.taste.cooccurrence import CooccurrenceParameters
from soundalike.similarity.taste.favorite_pairs import FavoritePairsBuilder
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of
from soundalike.storage.object_keys import index_prefix, preview_key, taste_prefix
from soundalike.storage.object_store import MemoryStore, ObjectStore, S3Store
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from fastapi import FastAPI
    from numpy.typing import NDArray

    from soundalike.db.database import Pool

DIMENSIONS = 160
MEAN_TAGS = (0.03125,) * len(TAG_SLUGS)
MODEL = EmbeddingModel("heard-by-one", DIMENSIONS, mean_tag_probabilities=MEAN_TAGS)
OTHER_MODEL = EmbeddingModel("heard-by-another", DIMENSIONS)
FEW_TREES = BuildParameters(trees=5, queries=20)


def track_id(number: int) -> TrackId:
    return TrackId("file", f"{number:064x}")


def urn(number: int) -> str:
    return track_id(number).urn


def vector(number: int, dimensions: int = DIMENSIONS) -> NDArray[np.float32]:
    return np.random.default_rng(number).standard_normal(dimensions).astype(np.float32)


def tag_probabilities(*slugs: str) -> list[float]:
    """What the model says of a track that holds these tags, the first most clearly."""
    return [0.9 - 0.1 * slugs.index(slug) if slug in slugs else 0.03125 for slug in TAG_SLUGS]


async def upload_version(
    store: ObjectStore,
    directory: Path,
    version: str,
    model: EmbeddingModel,
    vectors: Sequence[StoredVector],
    *,
    projection: Projection | None = None,
    leave_out: str | None = None,
) -> IndexVersionRecord:
    """Build a version of `vectors`, put it in the store and return its row, as the indexer does."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    up_to_seq = vectors[-1].seq
    manifest = build_version(
        directory,
        VersionIdentity(version, model.model, up_to_seq, datetime.now(UTC)),
        np.stack([each.vector for each in vectors]),
        [each.urn for each in vectors],
        projection or Projection.identity(model.dimensions),
        FEW_TREES,
    )
    location = index_prefix(model.model, version)
    for name in manifest.all_files():
        if name != leave_out:
            await store.upload(location + name, directory / name)
    return IndexVersionRecord(
        version,
        model.model,
        up_to_seq,
        len(vectors),
        {"trees": FEW_TREES.trees},
        manifest.recall_at_10,
        location,
        sha256_of(directory / MANIFEST),
    )


class CountingStore(MemoryStore):
    """A bucket that counts downloads and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.downloads: list[str] = []
        self.away = False

    async def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        if self.away:
            raise StoreUnavailable("the object store did not answer")
        self.downloads.append(key)
        await super().download(key, path, max_bytes=max_bytes)


@dataclass
class Platform:
    """The other services, as the API sees them: what they write into database and bucket."""

    pool: Pool
    store: ObjectStore
    directory: Path
    model: EmbeddingModel = MODEL
    built: int = field(default=0)

    async def register(self, model: EmbeddingModel) -> None:
        self.model = model
        async with self.pool.acquire() as connection:
            await models.register(connection, model)

    async def add(
        self, number: int, raw: NDArray[np.float32] | None = None, *, model_tags: Sequence[str] = (), **known: Any
    ) -> str:
        """Crawl and extract one track with `model_tags`; `known` overrides what its source says of it."""
        described = {
            "title": f"Title {number}",
            "artists": (f"Artist {number}",),
            "link": f"https://example.org/{number}",
        }
        await tracks.upsert(self.pool, Track(track_id(number), **{**described, **known}))
        await self.extract(number, vector(number) if raw is None else raw, tag_probabilities(*model_tags))
        return urn(number)

    async def extract(self, number: int, raw: NDArray[np.float32], tags: Sequence[float] | None = None) -> None:
        key = preview_key(track_id(number), "mp3")
        probabilities = None if tags is None else np.float32(tags)
        records = Embedding(track_id(number), self.model.model, raw, key, None, "0" * 64, 30.0, probabilities)
        async with self.pool.acquire() as connection:
            assert await embeddings.save(connection, records)

    async def publish(
        self, *, projection: Projection | None = None, leave_out: str | None = None
    ) -> IndexVersionRecord:
        """Build and publish a version of everything that was heard up to now."""
        self.built += 1
        version = await upload_version(
            self.store,
            self.directory / str(self.built),
            f"v{self.built}",
            self.model,
            await embeddings.newer_than(self.pool, self.model.model, 0, limit=100_000),
            projection=projection,
            leave_out=leave_out,
        )
        async with self.pool.acquire() as connection:
            await index_versions.publish(connection, version)
        return version


async def publish_taste(
    pool: Pool, store: ObjectStore, directory: Path, name: str, parameters: CooccurrenceParameters | None = None
) -> TasteVersionRecord:
    """Build taste of the favourites there are and publish it, as the indexer does."""
    reader = FavoritePairsBuilder()
    async with pool.acquire() as connection, connection.transaction():
        async for user, track in favorites.stream(connection):
            reader.add(user, track)
    await asyncio.to_thread((directory / name).mkdir, parents=True)
    manifest = build_taste(
        directory / name, name, datetime.now(UTC), reader.build(), parameters or CooccurrenceParameters()
    )
    for file in manifest.all_files():
        await store.upload(taste_prefix(name) + file, directory / name / file)
    digest = sha256_of(directory / name / MANIFEST)
    row = TasteVersionRecord(name, manifest.method, manifest.favorites, manifest.tracks, taste_prefix(name), digest)
    async with pool.acquire() as connection:
        await taste_versions.publish(connection, row)
    return row


@pytest.fixture
async def platform(pool: Pool, tmp_path: Path) -> Platform:
    """A catalogue in PostgreSQL with a bucket in memory."""
    platform = Platform(pool, MemoryStore(), tmp_path / "built")
    await platform.register(MODEL)
    return platform


@pytest.fixture
def bucket() -> str:
    return f"api-{uuid4().hex}"


@pytest.fixture
async def real_platform(pool: Pool, aws_environment: object, bucket: str, tmp_path: Path) -> Platform:
    """A catalogue in PostgreSQL with a bucket on a real server."""
    settings = QueueSettings(s3_bucket=bucket, queue_name=bucket)
    await asyncio.to_thread(provision_events, settings)
    platform = Platform(pool, S3Store.connect(settings), tmp_path / "built")
    await platform.register(MODEL)
    return platform


@pytest.fixture
def settings(database_url: str, bucket: str, tmp_path: Path) -> ApiSettings:
    return ApiSettings(database_url=SecretStr(database_url), s3_bucket=bucket, api_cache_dir=tmp_path / "cache")


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run an app inside the test's event loop; errors of the program come back as 500 instead of being raised."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client


@pytest.fixture
async def client(platform: Platform, settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(settings, platform.store)) as opened:
        await eventually(lambda: is_ready(opened))
        yield opened


async def is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).status_code == 200


async def index_of(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/readyz")
    return answer.json().get("index", {}) if answer.status_code == 200 else {}


async def recommend(client: httpx.AsyncClient, track: str, n: int = 10, **filters: str | list[str]) -> list[str]:
    answer = await client.get("/recommend", params={"track": track, "n": n, **filters})
    assert answer.status_code == 200, json.dumps(answer.json())
    return [result["urn"] for result in answer.json()["results"]]
