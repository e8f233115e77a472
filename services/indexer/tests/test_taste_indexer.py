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
        named = [(f"soundcloud:users:{user}", track(number)) for user, number in pairs]
        await users.upsert(connection, [User(user) for user, _ in named])
        await favorites.add(connection, named)


TWO_CIRCLES = [(user, number) for user in range(3) for number in (1, 2)] + [
    (user, number) for user in range(3, 6) for number in (3, 4)
]


@pytest.fixture
def tasting(pool: Pool, store: MemoryStore, settings: IndexerSettings) -> TasteIndexer:
    return TasteIndexer(pool, store, settings.model_copy(update={"taste_fewest": 10}))


async def test_publishes_what_readers_can_open(
    tasting: TasteIndexer, pool: Pool, store: MemoryStore, tmp_path: Path
) -> None:
    await favourite(pool, *TWO_CIRCLES)
    row = await tasting.build()
    published = await taste_versions.published(pool)
    assert published is not None
    assert (published.version, published.favorites, published.tracks) == (row.version, 12, 4)
    for name in TasteManifest.all_files():
        await store.download(published.location + name, tmp_path / name)
    assert list(TasteVersion.open(tmp_path).similar_tracks([track(1)], 9)) == [track(2)]


async def test_nothing_known_is_told(tasting: TasteIndexer, pool: Pool) -> None:
    with pytest.raises(NothingToIndex):
        await tasting.build()
    await favourite(pool, (1, 1))
    with pytest.raises(TooFewFavorites):
        await tasting.build()
    assert await taste_versions.published(pool) is None


async def test_the_first_waits_for_enough_the_next_for_growth(tasting: TasteIndexer, pool: Pool) -> None:
    await favourite(pool, *TWO_CIRCLES[:9])
    assert await tasting.build_if_due() is None
    await favourite(pool, *TWO_CIRCLES)
    first = await tasting.build_if_due()
    assert first is not None
    assert await tasting.build_if_due() is None
    await favourite(pool, (7, 1))
    assert await tasting.build_if_due() is None
    await favourite(pool, (7, 2))
    second = await tasting.build_if_due()
    assert second is not None
    assert second.version > first.version


async def test_age_counts_only_where_something_changed(tasting: TasteIndexer, pool: Pool) -> None:
    await favourite(pool, *TWO_CIRCLES)
    await tasting.build()
    await pool.execute("UPDATE taste_versions SET published_at = now() - interval '2 days'")
    assert await tasting.build_if_due() is None
    await favourite(pool, (7, 1))
    assert await tasting.build_if_due() is not None


async def test_forgotten_tracks_leave_the_files(
    tasting: TasteIndexer, pool: Pool, store: MemoryStore, tmp_path: Path
) -> None:
    await favourite(pool, *TWO_CIRCLES, *[(user, number) for user in (8, 9) for number in (2, 5, 6)])
    await pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", track(2))
    row = await tasting.build()
    for name in TasteManifest.all_files():
        await store.download(row.location + name, tmp_path / name)
    assert track(2) not in TasteVersion.open(tmp_path)


async def test_old_files_are_deleted(tasting: TasteIndexer, pool: Pool, store: MemoryStore) -> None:
    await favourite(pool, *TWO_CIRCLES)
    built = [(await tasting.build()).location for _ in range(5)]
    assert {key.rpartition("/")[0] + "/" for key in store.objects} == set(built[-3:])


async def test_one_builds_at_a_time(tasting: TasteIndexer, pool: Pool) -> None:
    from soundalike.indexer.poller import builder_lock
    from soundalike.indexer.taste_indexer import _BUILDER_LOCK

    await favourite(pool, *TWO_CIRCLES)
    async with pool.acquire() as connection, builder_lock(connection, _BUILDER_LOCK):
        with pytest.raises(BuilderBusy):
            await tasting.build()
    assert await tasting.build()


async def test_a_failure_is_said_and_counted(
    tasting: TasteIndexer, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await favourite(pool, *[(user, 1) for user in range(20)])
    with caplog.at_level(logging.ERROR):
        await tasting.poller.poll_once()
    assert tasting.poller.failures == 1
    assert "no taste was published" in caplog.text
