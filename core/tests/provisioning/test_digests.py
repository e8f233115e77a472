from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from soundalike.db import index_versions, models, taste_versions
from soundalike.db.index_versions import IndexVersionRecord
from soundalike.db.models import EmbeddingModel
from soundalike.db.taste_versions import TasteVersionRecord
from soundalike.provisioning.digests import record_missing
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from soundalike.db.database import Pool

MODEL = EmbeddingModel("m", 160)


def version(name: str, digest: str | None = None) -> IndexVersionRecord:
    return IndexVersionRecord(name, MODEL.model, 7, 2, {}, 0.99, f"indexes/m/{name}/", digest)


@pytest.fixture
async def bucket(pool: Pool) -> MemoryStore:
    """A bucket with the files of versions from before digests were recorded, but for version 2."""
    store = MemoryStore()
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        for name in "123":
            await index_versions.publish(connection, version(name))
        await taste_versions.publish(connection, TasteVersionRecord("t", "bm25", 12, 4, "taste/t/"))
    for key in ("indexes/m/1", "indexes/m/3", "taste/t"):
        await store.put(f"{key}/manifest.json", key.encode(), "application/json")
    return store


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


async def digests(pool: Pool) -> dict[str, str | None]:
    taste = await taste_versions.get_published(pool)
    assert taste is not None
    listed = await index_versions.list_versions(pool, MODEL.model)
    return {each.version: each.manifest_sha256 for each in listed} | {taste.version: taste.manifest_sha256}


async def test_what_the_bucket_holds_at_the_upgrade_is_recorded(pool: Pool, bucket: MemoryStore) -> None:
    assert await record_missing(pool, bucket) == 3
    assert await digests(pool) == {
        "1": digest_of("indexes/m/1"),
        "2": "0" * 64,
        "3": digest_of("indexes/m/3"),
        "t": digest_of("taste/t"),
    }


async def test_it_is_trusted_once_only(pool: Pool, bucket: MemoryStore) -> None:
    await record_missing(pool, bucket)
    before = await digests(pool)
    for key in ("indexes/m/1", "indexes/m/2", "taste/t"):
        await bucket.put(f"{key}/manifest.json", b"forged", "application/json")
    assert await record_missing(pool, bucket) == 0
    assert await digests(pool) == before


async def test_a_recorded_digest_stays(pool: Pool, bucket: MemoryStore) -> None:
    async with pool.acquire() as connection:
        await index_versions.publish(connection, version("4", "a" * 64))
    await index_versions.set_digest(pool, "4", "b" * 64)
    await record_missing(pool, bucket)
    assert (await digests(pool))["4"] == "a" * 64
