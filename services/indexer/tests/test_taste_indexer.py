from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from soundalike.db import favorites, taste_versions, tracks, users
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId
from soundalike.indexer.errors import BuilderBusy, NothingToIndex
from soundalike.indexer.taste_indexer import TasteIndexer
from soundalike.similarity.taste.errors import TooFewFavorites
from soundalike.similarity.taste.manifest import TasteManifest
from soundalike.similarity.taste.version import TasteVersion

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.db.database import Pool
    from soundalike.indexer.settings import IndexerSettings
    from soundalike.storage.object_store import MemoryStore


def track(number: int) -> str:
    return f"soundcloud:tracks:{number}"


async def favourite(pool: Pool, *pairs: tuple[int, int]) -> None:
    async with pool.acquire() as connection:
        for _, number in pairs:
            await tracks.ensure(connection, TrackId.from_urn(track(number)))
        urns = [(f"soundcloud:users:{user}", track(number)) for user, number in pairs]
        await users.upsert(connection, [User(user) for user, _ in urns])
        await favorites.add(connection, urns)


TWO_GROUPS = [(user, number) for user in range(3) for number in (1, 2)] + [
    (user, number) for user in range(3, 6) for number in (3, 4)
]


@pytest.fixture
def taste_indexer(pool: Pool, store: MemoryStore, settings: IndexerSettings) -> TasteIndexer:
    return TasteIndexer(pool, store, settings.model_copy(update={"taste_fewest": 10}))


async def test_publishes_what_readers_can_open(
    taste_indexer: TasteIndexer, pool: Pool, store: MemoryStore, tmp_path: Path
) -> None:
    await favourite(pool, *TWO_GROUPS)
    row = await taste_indexer.build()
    published = await taste_versions.get_published(pool)
    assert published is not None
    assert (published.version, published.favorites, published.tracks) == (row.version, 12, 4)
    for name in TasteManifest.all_files():
        await store.download(published.location + name, tmp_path / name, max_bytes=10**9)
    assert list(TasteVersion.open(tmp_path, published.manifest_sha256 or "").similar_tracks([track(1)], 9)) == [
        track(2)
    ]


async def test_without_favourites_nothing_is_built(taste_indexer: TasteIndexer, pool: Pool) -> None:
    with pytest.raises(NothingToIndex):
        await taste_indexer.build()
    await favourite(pool, (1, 1))
    with pytest.raises(TooFewFavorites):
        await taste_indexer.build()
    assert await taste_versions.get_published(pool) is None


async def test_the_first_waits_for_enough_the_next_for_growth(taste_indexer: TasteIndexer, pool: Pool) -> None:
    await favourite(pool, *TWO_GROUPS[:9])
    assert await taste_indexer.build_if_due() is None
    await favourite(pool, *TWO_GROUPS)
    first = await taste_indexer.build_if_due()
    assert first is not None
    assert await taste_indexer.build_if_due() is None
    await favourite(pool, (7, 1))
    assert await taste_indexer.build_if_due() is None
    await favourite(pool, (7, 2))
    second = await taste_indexer.build_if_due()
    assert second is not None
    assert second.version > first.version


async def test_age_counts_only_where_something_changed(taste_indexer: TasteIndexer, pool: Pool) -> None:
    await favourite(pool, *TWO_GROUPS)
    await taste_indexer.build()
    await pool.execute("UPDATE taste_versions SET published_at = now() - interval '2 days'")
    assert await taste_indexer.build_if_due() is None
    await favourite(pool, (7, 1))
    assert await taste_indexer.build_if_due() is not None


async def test_forgotten_tracks_leave_the_files(
    taste_indexer: TasteIndexer, pool: Pool, store: MemoryStore, tmp_path: Path
) -> None:
    await favourite(pool, *TWO_GROUPS, *[(user, number) for user in (8, 9) for number in (2, 5, 6)])
    await pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", track(2))
    row = await taste_indexer.build()
    for name in TasteManifest.all_files():
        await store.download(row.location + name, tmp_path / name, max_bytes=10**9)
    assert track(2) not in TasteVersion.open(tmp_path, row.manifest_sha256 or "")


async def test_old_files_are_deleted(taste_indexer: TasteIndexer, pool: Pool, store: MemoryStore) -> None:
    await favourite(pool, *TWO_GROUPS)
    built = [(await taste_indexer.build()).location for _ in range(5)]
    assert {key.rpartition("/")[0] + "/" for key in store.objects} == set(built[-3:])


async def test_one_builds_at_a_time(taste_indexer: TasteIndexer, pool: Pool) -> None:
    from soundalike.indexer.poller import builder_lock
    from soundalike.indexer.taste_indexer import _BUILDER_LOCK

    await favourite(pool, *TWO_GROUPS)
    async with pool.acquire() as connection, builder_lock(connection, _BUILDER_LOCK):
        with pytest.raises(BuilderBusy):
            await taste_indexer.build()
    assert await taste_indexer.build()


async def test_a_failure_is_logged_and_counted(
    taste_indexer: TasteIndexer, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await favourite(pool, *[(user, 1) for user in range(20)])
    with caplog.at_level(logging.ERROR):
        await taste_indexer.poller.poll_once()
    assert taste_indexer.poller.failures == 1
    assert "no taste was published" in caplog.text
