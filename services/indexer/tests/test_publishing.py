from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from catalog import models, versions
from catalog.errors import StoreUnavailable
from catalog.store import MemoryStore
from catalog.versions import Version
from indexer.building import build
from indexer.publishing import prune, publish
from space.building import BuildParameters
from space.files import ALL_FILES

from .conftest import MODEL
from .test_index_building import GATHERED

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.database import Pool
    from space.manifest import Manifest

PREFIX = "indexes/m1-fixed/20261121T120000.000Z-000000000042/"


@pytest.fixture
async def built(pool: Pool, tmp_path: Path) -> Manifest:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return build(GATHERED, tmp_path, now, BuildParameters(trees=8), fit_rows=1000)


async def test_uploads_then_flips(pool: Pool, store: MemoryStore, built: Manifest, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        version = await publish(connection, store, built, tmp_path)
    assert list(store.objects) == [PREFIX + name for name in ALL_FILES]
    assert list(store.objects)[-1].endswith("/manifest.json")
    for name in ALL_FILES:
        assert store.objects[PREFIX + name][0] == (tmp_path / name).read_bytes()
    published = await versions.published(pool, MODEL.model)
    assert published is not None
    assert (published.version, published.location, published.tracks) == (version.version, PREFIX, 400)
    assert published.recall_at_10 == pytest.approx(built.recall_at_10)
    assert published.parameters == {
        "dimensions": 128, "trees": 8, "search_k": built.search_k, "seed": 1, "annoy": built.annoy,
    }  # fmt: skip


async def test_a_failed_upload_publishes_nothing(pool: Pool, built: Manifest, tmp_path: Path) -> None:
    class Failing(MemoryStore):
        async def upload(self, key: str, path: Path) -> None:
            if key.endswith("vectors.npy"):
                raise StoreUnavailable("away")
            await super().upload(key, path)

    store = Failing()
    async with pool.acquire() as connection:
        with pytest.raises(StoreUnavailable):
            await publish(connection, store, built, tmp_path)
    assert await versions.published(pool, MODEL.model) is None
    assert PREFIX + "manifest.json" not in store.objects


async def test_prunes_what_is_old_and_what_was_left_half() -> None:
    class Watching(MemoryStore):
        deleted: tuple[str, ...] = ()

        async def delete(self, key: str, *, etag: str | None = None) -> None:
            self.deleted += (key,)
            await super().delete(key, etag=etag)

    store = Watching()
    for name in ("1", "2", "4", "5"):
        for file in ALL_FILES:
            await store.put(f"indexes/m/{name}/{file}", b"", "")
    for half in ("3", "6"):
        await store.put(f"indexes/m/{half}/index.ann", b"", "")
    await store.put("indexes/m-other/0/manifest.json", b"", "")
    published = Version("5", "m", 1, 1, {}, 1.0, "indexes/m/5/")
    assert await prune(store, published, keep=2) == 4
    assert {key.rpartition("/")[0] for key in store.objects} == {"indexes/m/4", "indexes/m/5", "indexes/m-other/0"}
    for name in ("1", "2"):
        first = next(key for key in store.deleted if key.startswith(f"indexes/m/{name}/"))
        assert first == f"indexes/m/{name}/manifest.json"


async def test_never_prunes_the_published_version() -> None:
    store = MemoryStore()
    for name in ("1", "2", "3"):
        await store.put(f"indexes/m/{name}/manifest.json", b"", "")
    assert await prune(store, Version("1", "m", 1, 1, {}, 1.0, "indexes/m/1/"), keep=1) == 1
    assert list(store.objects) == ["indexes/m/1/manifest.json", "indexes/m/3/manifest.json"]
