from __future__ import annotations

from datetime import UTC, datetime

from soundalike.indexer.version_folders import delete, list_keys, outdated, timestamp
from soundalike.storage.object_store import MemoryStore

FOLDER = "taste/"


async def stored(*keys: str) -> MemoryStore:
    store = MemoryStore()
    for key in keys:
        await store.put(FOLDER + key, b"", "")
    return store


async def test_the_newest_whole_versions_and_the_published_one_are_kept() -> None:
    complete = [f"{name}/{file}" for name in "1245" for file in ("urns.npy", "manifest.json")]
    store = await stored(*complete, "3/urns.npy", "6/urns.npy")
    keys = await list_keys(store, FOLDER)
    assert outdated(keys, "1", keep=2) == {
        "2": ["taste/2/manifest.json", "taste/2/urns.npy"],
        "3": ["taste/3/urns.npy"],
        "6": ["taste/6/urns.npy"],
    }
    assert outdated(keys, "6", keep=9) == {"3": ["taste/3/urns.npy"]}
    assert outdated(await list_keys(MemoryStore(), FOLDER), "1", keep=2) == {}


async def test_no_manifest_lists_files_that_are_gone() -> None:
    class Watching(MemoryStore):
        deleted: tuple[str, ...] = ()

        async def delete(self, key: str, *, etag: str | None = None) -> None:
            self.deleted += (key,)
            await super().delete(key, etag=etag)

    store = Watching()
    await delete(store, ["taste/2/a.npy", "taste/2/manifest.json", "taste/2/urns.npy"])
    assert store.deleted == ("taste/2/manifest.json", "taste/2/a.npy", "taste/2/urns.npy")


def test_timestamps_sort_by_time() -> None:
    moments = [datetime(2026, 11, 21, 12, 0, second, micros, tzinfo=UTC) for second in (0, 9) for micros in (0, 1_000)]
    timestamps = [timestamp(moment) for moment in moments]
    assert timestamps == sorted(timestamps)
    assert timestamps[-1] == "20261121T120009.001Z"
