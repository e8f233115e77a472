from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.db import index_versions, models, playlists, tracks
from soundalike.db.index_versions import IndexVersionRecord, VersionState
from soundalike.db.models import EmbeddingModel
from soundalike.db.overview import overview
from soundalike.db.playlists import Playlist
from soundalike.domain.track_id import TrackId
from soundalike.storage.message_queue import MemoryQueue

if TYPE_CHECKING:
    from soundalike.db.database import Pool

A, B = TrackId("deezer", "1"), TrackId("deezer", "2")
MODEL = EmbeddingModel("m", 160)


def version(name: str) -> IndexVersionRecord:
    return IndexVersionRecord(name, MODEL.model, 7, 2, {"trees": 10}, 0.99, f"indexes/m/{name}/")


async def test_a_playlist_keeps_its_order_and_its_repetitions(pool: Pool) -> None:
    for track in (A, B):
        await tracks.ensure(pool, track)
    mine = Playlist("spotify:playlist:x", "spotify", "Mine", "s1")
    async with pool.acquire() as connection:
        await playlists.replace(connection, mine, [(0, B), (1, A), (3, B)])
        assert await playlists.tracks_of(pool, mine.urn) == [B, A, B]
        await playlists.replace(connection, mine, [(0, A)])
    assert await playlists.tracks_of(pool, mine.urn) == [A]
    assert await playlists.get(pool, mine.urn) == mine
    assert await playlists.get(pool, "spotify:playlist:y") is None


async def test_publishing_retires_the_version_before(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        assert await index_versions.get_published(pool, MODEL.model) is None
        await index_versions.publish(connection, version("1"))
        await index_versions.publish(connection, version("2"))
    now = await index_versions.get_published(pool, MODEL.model)
    assert now is not None
    assert (now.version, now.parameters, now.up_to_seq) == ("2", {"trees": 10}, 7)
    assert now.published_at is not None
    assert (now.state, now.pinned) == (VersionState.PUBLISHED, False)


async def test_going_back_holds_and_going_on_lifts_the_hold(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        for name in "123":
            assert await index_versions.publish(connection, version(name))
        assert await index_versions.publish(connection, version("1"), pinned=True)
        versions_by_name = {
            each.version: (each.state, each.pinned) for each in await index_versions.list_versions(pool, MODEL.model)
        }
        assert list(versions_by_name) == ["3", "2", "1"]
        assert versions_by_name["1"] == (VersionState.PUBLISHED, True)
        assert versions_by_name["3"] == versions_by_name["2"] == (VersionState.RETIRED, False)
        await index_versions.publish(connection, version("3"))
        versions_by_name = {
            each.version: (each.state, each.pinned) for each in await index_versions.list_versions(pool, MODEL.model)
        }
        assert versions_by_name["3"] == (VersionState.PUBLISHED, False)
        assert versions_by_name["1"] == (VersionState.RETIRED, False)


async def test_a_version_without_files_is_never_published_again(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        await index_versions.add(connection, version("1"))
        await index_versions.publish(connection, version("2"))
        await index_versions.mark_deleted(connection, MODEL.model, ["1", "2"])
        assert not await index_versions.publish(connection, version("1"))
        versions_by_name = {each.version: each.state for each in await index_versions.list_versions(pool, MODEL.model)}
    assert versions_by_name == {"1": VersionState.DELETED, "2": VersionState.PUBLISHED}


async def test_the_overview_adds_up(pool: Pool) -> None:
    queue, dead = MemoryQueue(), MemoryQueue()
    empty = await overview(pool, queue, dead)
    assert (empty.total, empty.model, empty.version, empty.tail) == (0, None, None, 0)
    await tracks.ensure(pool, A)
    await queue.send("x")
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        await index_versions.publish(connection, version("1"))
    seen = await overview(pool, queue, dead)
    assert seen.total == sum(seen.by_state.values()) == 1
    assert (seen.model, seen.version, seen.in_version, seen.queue.visible, seen.dead_letters) == ("m", "1", 2, 1, 0)
