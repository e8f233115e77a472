"""Processes that share a directory of versions: one fetches, all map the same file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from soundalike.api.file_lock import directory_lock
from soundalike.api.index_cache import IndexCache
from soundalike.db import embeddings
from soundalike.storage.object_store import MemoryStore
from soundalike.testing.wait import eventually

from .conftest import MODEL, Platform, upload_version

if TYPE_CHECKING:
    from pathlib import Path


class CountingStore(MemoryStore):
    """A bucket that remembers what was fetched from it."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    async def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        self.fetched.append(key)
        # Whoever else is to run gets the chance.
        await asyncio.sleep(0)
        await super().download(key, path, max_bytes=max_bytes)


async def test_one_holds_it_and_the_next_gets_it(tmp_path: Path) -> None:
    order: list[str] = []

    async def take(name: str) -> None:
        async with directory_lock(tmp_path):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    async with directory_lock(tmp_path):
        waiting = [asyncio.create_task(take(name)) for name in ("a", "b")]
        await asyncio.sleep(0.3)
        assert order == []
        waiting.pop().cancel()
    await waiting[0]
    assert order == ["a begins", "a ends"]


async def test_a_version_is_fetched_once_for_all(platform: Platform, tmp_path: Path) -> None:
    for number in range(12):
        await platform.add(number)
    written = await embeddings.newer_than(platform.pool, MODEL.model, 0, limit=100)
    store = CountingStore()
    version = await upload_version(store, tmp_path / "built", "v1", MODEL, written)
    caches = [IndexCache(tmp_path / "cache", store) for _ in range(4)]
    opened = await asyncio.gather(*(cache.open(version, MODEL) for cache in caches))
    assert len(opened) == 4
    assert sorted(store.fetched) == sorted(set(store.fetched))
    await eventually(lambda: not list((tmp_path / "cache" / "indexes").glob(".partial-*")))
