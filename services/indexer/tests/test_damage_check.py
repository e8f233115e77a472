from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

import pytest

from soundalike.db import index_versions, losses, taste_versions
from soundalike.db.index_versions import VersionState
from soundalike.errors import ObjectAltered, ObjectTruncated, StoreUnavailable
from soundalike.indexer.damage_check import DamageCheck
from soundalike.indexer.taste_indexer import TasteIndexer
from soundalike.indexer.worker import Indexer
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.taste.manifest import TasteManifest
from soundalike.storage.artifacts.manifest import FileEntry, VersionManifest
from soundalike.storage.object_store import MemoryStore
from soundalike.storage.stored_version import StoredVersion

from .conftest import MODEL
from .test_taste_indexer import TWO_GROUPS, favourite

if TYPE_CHECKING:
    from soundalike.db.database import Pool
    from soundalike.indexer.settings import IndexerSettings
    from soundalike.storage.object_store import ObjectSummary

    from .conftest import AddTracks


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class OneFile(VersionManifest):
    FILES: ClassVar = ("urns.npy",)

    format: Literal[1] = 1


class Ghosts(MemoryStore):
    """Describes and lists what it has lost."""

    lost: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()

    async def sha256(self, key: str) -> str:
        if key in self.altered:
            raise ObjectAltered("its checksum differs")
        if key in self.lost:
            raise ObjectTruncated("the object store ended before the end")
        return await super().sha256(key)

    async def describe(self, key: str) -> ObjectSummary:
        if key in self.lost:
            raise ObjectTruncated("the object store sends nothing")
        described = await super().describe(key)
        return replace(described, etag="another") if key in self.altered else described


async def _damage(store: Ghosts, prefix: str, damage: str) -> None:
    name, _, kind = damage.partition(" ")
    keys = [key for key in store.objects if key.startswith(prefix + ("" if name == "everything" else name))]
    assert keys
    for key in keys:
        data = store.objects[key][0]
        match kind:
            case "gone":
                await store.delete(key)
            case "short":
                await store.put(key, data[:-1], "")
            case "empty":
                await store.put(key, b"", "")
            case "other":
                # As long as before, and other only in the middle.
                await store.put(key, data[: len(data) // 2] + b"?" + data[len(data) // 2 + 1 :], "")
            case "forged":
                await _forge(store, prefix, key)
            case "altered":
                store.altered = frozenset({key})
            case "lost":
                store.lost = frozenset({key})
            case _:
                raise AssertionError(kind)


async def _forge(store: MemoryStore, prefix: str, key: str) -> None:
    """Exchange a file and make the manifest agree with it."""
    before = store.objects[key][0]
    forged = before[:-1] + bytes([before[-1] ^ 1])
    manifest = store.objects[prefix + "manifest.json"][0].decode()
    manifest = manifest.replace(hashlib.sha256(before).hexdigest(), hashlib.sha256(forged).hexdigest())
    await store.put(key, forged, "")
    await store.put(prefix + "manifest.json", manifest.encode(), "")


async def _recorded(pool: Pool) -> list[tuple[str, str]]:
    return [(loss.kind, loss.name) for loss in await losses.recent(pool, timedelta(days=1))]


DAMAGES = ["everything gone", "manifest.json gone", "manifest.json other", "index.bin gone", "index.bin short"]


@pytest.mark.parametrize(
    "damage",
    [*DAMAGES, "urns.npy empty", "vectors.npy other", "projection.npz lost", "index.bin forged", "index.bin altered"],
)
async def test_a_damaged_version_is_built_again_from_the_database(
    pool: Pool, settings: IndexerSettings, add_tracks: AddTracks, clock: Clock, damage: str
) -> None:
    store = Ghosts()
    indexer = Indexer(pool, store, settings)
    indexer.damage_check.clock = clock
    await add_tracks(range(40))
    first = await indexer.build()
    assert await indexer.build_if_due() is None
    await _damage(store, first.location, damage)
    clock.now += 9
    assert await indexer.build_if_due() is None
    clock.now += 1
    second = await indexer.build_if_due()
    assert second is not None
    assert (second.tracks, second.up_to_seq) == (first.tracks, first.up_to_seq)
    await StoredVersion(store, second.location, Manifest, second.manifest_sha256).check_contents()
    published = await index_versions.get_published(pool, MODEL.model)
    assert published is not None
    assert published.version == second.version
    assert await _recorded(pool) == [("index_version", first.version)]
    clock.now += 10
    assert await indexer.build_if_due() is None


@pytest.mark.parametrize("damage", ["everything gone", "manifest.json gone", "neighbours.npy other", "urns.npy forged"])
async def test_a_damaged_taste_version_is_built_again(
    pool: Pool, settings: IndexerSettings, clock: Clock, damage: str
) -> None:
    store = Ghosts()
    indexer = TasteIndexer(pool, store, settings)
    indexer.damage_check.clock = clock
    await favourite(pool, *TWO_GROUPS)
    first = await indexer.build()
    assert await indexer.build_if_due() is None
    await _damage(store, first.location, damage)
    clock.now += 10
    second = await indexer.build_if_due()
    assert second is not None
    await StoredVersion(store, second.location, TasteManifest, second.manifest_sha256).check_contents()
    published = await taste_versions.get_published(pool)
    assert published is not None
    assert published.version == second.version
    assert await _recorded(pool) == [("taste_version", first.version)]


async def test_a_pinned_version_without_files_is_replaced_and_others_without_files_are_deleted(
    indexer: Indexer, store: MemoryStore, add_tracks: AddTracks, pool: Pool
) -> None:
    await add_tracks(range(40))
    first = await indexer.build()
    await indexer.build()
    await indexer.rollback()
    store.objects.clear()
    third = await indexer.build_if_due()
    assert third is not None
    states = {version.version: version.state for version in await indexer.list_versions()}
    assert states.pop(third.version) is VersionState.PUBLISHED
    assert (len(states), set(states.values())) == (2, {VersionState.DELETED})
    assert first.version in states


async def test_a_store_that_does_not_answer_is_no_damage(
    pool: Pool, settings: IndexerSettings, add_tracks: AddTracks, clock: Clock
) -> None:
    class Away(MemoryStore):
        away = False

        async def describe(self, key: str) -> ObjectSummary:
            if self.away:
                raise StoreUnavailable("away")
            return await super().describe(key)

    store = Away()
    indexer = Indexer(pool, store, settings)
    indexer.damage_check.clock = clock
    await add_tracks(range(40))
    await indexer.build()
    assert await indexer.build_if_due() is None
    store.away = True
    clock.now += 10
    assert await indexer.build_if_due() is None
    assert await _recorded(pool) == []


async def test_everything_is_read_once_for_as_long_as_it_stays_the_same(pool: Pool, clock: Clock) -> None:
    class Counting(MemoryStore):
        reads = 0

        async def sha256(self, key: str) -> str:
            self.reads += 1
            return await super().sha256(key)

    store = Counting()
    content = b"[]"
    await store.put("taste/1/urns.npy", content, "")
    entry = FileEntry(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    manifest = OneFile(version="1", files={"urns.npy": entry})
    await store.put("taste/1/manifest.json", manifest.to_json().encode(), "")
    digest = hashlib.sha256(manifest.to_json().encode()).hexdigest()
    version = StoredVersion(store, "taste/1/", OneFile, digest)
    check = DamageCheck("taste version", clock=clock)
    for seconds, reads in ((0, 1), (10, 1), (86_000, 1), (86_401, 2)):
        clock.now = seconds
        assert await check.find(pool, "1", version) is None
        assert store.reads == reads
    await store.put("taste/1/urns.npy", content, "")
    clock.now += 10
    assert await check.find(pool, "1", version) is None
    assert store.reads == 3
