from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from soundalike.db import index_versions, models
from soundalike.db.index_versions import IndexVersionRecord, VersionState
from soundalike.errors import StoreUnavailable
from soundalike.indexer.errors import NoSuchVersion
from soundalike.indexer.publisher import find_version, previous_version, prune, publish, upload
from soundalike.indexer.version_build import build
from soundalike.similarity.index.builder import BuildParameters
from soundalike.similarity.index.manifest import Manifest
from soundalike.storage.object_store import MemoryStore

from .conftest import MODEL
from .test_version_build import EXPORT, PROJECTION

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Pool

PREFIX = "indexes/m1-fixed/20261121T120000.000Z-000000000042/"


@pytest.fixture
async def built(pool: Pool, tmp_path: Path) -> Manifest:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    return build(EXPORT, PROJECTION, tmp_path, now, BuildParameters(trees=8))


async def test_uploads_then_flips(pool: Pool, store: MemoryStore, built: Manifest, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        version = await upload(connection, store, built, tmp_path, {"build_s": 1.5})
        assert list(store.objects) == [PREFIX + name for name in Manifest.all_files()]
        assert list(store.objects)[-1].endswith("/manifest.json")
        assert await index_versions.get_published(pool, MODEL.model) is None
        (listed,) = await index_versions.list_versions(pool, MODEL.model)
        assert listed.state is VersionState.BUILT
        await publish(connection, store, version)
    for name in Manifest.all_files():
        assert store.objects[PREFIX + name][0] == (tmp_path / name).read_bytes()
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert (published.version, published.location, published.tracks) == (version.version, PREFIX, 400)
    assert published.manifest_sha256 == sha256(store.objects[PREFIX + "manifest.json"][0]).hexdigest()
    assert published.recall_at_10 == pytest.approx(built.recall_at_10)
    assert published.parameters == {
        "format": 2, "dimensions": 128, "search_dimensions": 64, "engine": "annoy", "parameters": {"trees": 8},
        "engine_version": built.engine_version, "effort": built.effort, "seed": 1, "build_s": 1.5,
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
            await upload(connection, store, built, tmp_path, {})
    assert await index_versions.list_versions(pool, MODEL.model) == []
    assert PREFIX + "manifest.json" not in store.objects


@pytest.mark.parametrize(
    "damage", ["missing", "short", "no manifest", "other manifest", "forged", "no digest", "deleted"]
)
async def test_an_incomplete_version_is_not_published(
    pool: Pool, store: MemoryStore, built: Manifest, tmp_path: Path, damage: str
) -> None:
    async with pool.acquire() as connection:
        version = await upload(connection, store, built, tmp_path, {})
        if damage == "missing":
            await store.delete(PREFIX + "vectors.npy")
        elif damage == "short":
            await store.put(PREFIX + "index.bin", b"x", "")
        elif damage == "no manifest":
            await store.delete(PREFIX + "manifest.json")
        elif damage == "other manifest":
            await store.put(PREFIX + "manifest.json", b'{"format": 1}', "")
        elif damage == "forged":
            await store.put(PREFIX + "manifest.json", built.model_copy(update={"effort": 7}).to_json().encode(), "")
        elif damage == "no digest":
            version = replace(version, manifest_sha256=None)
        else:
            await index_versions.mark_deleted(connection, MODEL.model, [version.version])
        with pytest.raises(NoSuchVersion):
            await publish(connection, store, version)
    assert await index_versions.get_published(pool, MODEL.model) is None


def version(name: str, state: VersionState) -> IndexVersionRecord:
    return IndexVersionRecord(name, "m", 1, 1, {}, 1.0, f"indexes/m/{name}/", state=state)


def test_versions_are_selected_by_name_or_as_the_previous_one() -> None:
    versions = [
        version("5", VersionState.BUILT),
        version("4", VersionState.PUBLISHED),
        version("3", VersionState.BUILT),
        version("2", VersionState.RETIRED),
        version("1", VersionState.DELETED),
    ]
    assert find_version(versions, None).version == "5"
    assert find_version(versions, "3").version == "3"
    assert previous_version(versions).version == "2"
    with pytest.raises(NoSuchVersion, match="files of version 1 were deleted"):
        find_version(versions, "1")
    with pytest.raises(NoSuchVersion, match="no version 9"):
        find_version(versions, "9")
    with pytest.raises(NoSuchVersion, match="no version was built yet"):
        find_version([], None)
    for none in (versions[:3], [*versions[:2], versions[4]], []):
        with pytest.raises(NoSuchVersion, match="no older version"):
            previous_version(none)


async def test_prunes_old_and_incomplete_versions(pool: Pool) -> None:
    class Watching(MemoryStore):
        deleted: tuple[str, ...] = ()

        async def delete(self, key: str, *, etag: str | None = None) -> None:
            self.deleted += (key,)
            await super().delete(key, etag=etag)

    store = Watching()
    for name in ("1", "2", "4", "5"):
        for file in Manifest.all_files():
            await store.put(f"indexes/m/{name}/{file}", b"", "")
    for half in ("3", "6"):
        await store.put(f"indexes/m/{half}/index.bin", b"", "")
    await store.put("indexes/m-other/0/manifest.json", b"", "")
    published = IndexVersionRecord("5", "m", 1, 1, {}, 1.0, "indexes/m/5/")
    async with pool.acquire() as connection:
        await models.register(connection, replace(MODEL, model="m"))
        for name in "1245":
            await index_versions.publish(connection, version(name, VersionState.BUILT))
    assert await prune(pool, store, published, keep=2) == 4
    states = {each.version: each.state for each in await index_versions.list_versions(pool, "m")}
    assert states == {
        "1": VersionState.DELETED, "2": VersionState.DELETED, "4": VersionState.RETIRED, "5": VersionState.PUBLISHED
    }  # fmt: skip
    assert {key.rpartition("/")[0] for key in store.objects} == {"indexes/m/4", "indexes/m/5", "indexes/m-other/0"}
    for name in ("1", "2"):
        first = next(key for key in store.deleted if key.startswith(f"indexes/m/{name}/"))
        assert first == f"indexes/m/{name}/manifest.json"


async def test_never_prunes_the_published_version(pool: Pool) -> None:
    store = MemoryStore()
    for name in ("1", "2", "3"):
        await store.put(f"indexes/m/{name}/manifest.json", b"", "")
    assert await prune(pool, store, IndexVersionRecord("1", "m", 1, 1, {}, 1.0, "indexes/m/1/"), keep=1) == 1
    assert list(store.objects) == ["indexes/m/1/manifest.json", "indexes/m/3/manifest.json"]
