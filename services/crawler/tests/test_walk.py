"""The walk over SoundCloud, against a world whose reachable part is known."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike import soundcloud
from soundalike.crawler.download import Downloader, preview_client
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.preview_hosts import HostList, host_of
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.walk.graph_writer import LIKERS, LIKES, GraphWriter
from soundalike.crawler.walk.limits import Bounds, Budget
from soundalike.crawler.walk.list_position import ListPosition
from soundalike.crawler.walk.previews import PreviewIngest, SoundCloudPreviews
from soundalike.crawler.walk.walker import Walk
from soundalike.db import database, favorites, popularity, task_queue, tracks, users
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.domain.track_id import TrackId
from soundalike.errors import DatabaseUnavailable
from soundalike.http.errors import Missing, NotAllowed, QuotaExhausted
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter
from soundalike.sandbox.composer import Previews, encode_mp3
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.soundcloud import Quirks, SoundCloud
from soundalike.sandbox.soundcloud_replies import SoundCloudReplies
from soundalike.sandbox.soundcloud_world import FIRST_TRACK, FIRST_USER, WorldSize, make_world
from soundalike.sandbox.state import Sandbox
from soundalike.soundcloud.connection import RETRY
from soundalike.soundcloud.errors import InvalidAddress
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from soundalike.crawler.tag_reader import TagReader
    from soundalike.db.database import Pool
    from soundalike.sandbox.catalogue import Piece

SIZE = WorldSize(users=120, tracks=60, likes=1_200, deleted_share=0.05, private_share=0.05)
WORLD = make_world(SIZE)
START = "https://soundcloud.com/listener-0"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE))) as running:
        yield running


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def walk(
    pool: Pool, server: SandboxServer, bounds: Bounds | None = None, *, budget: int = 100_000
) -> AsyncIterator[Walk]:
    account = soundcloud.Account("sandbox", "sandbox")
    url = server.soundcloud_url
    async with soundcloud.connect(
        account,
        url=url,
        token_url=f"{url}/oauth/token",
        limiter=Budget(InMemoryLimiter(UNLIMITED, sleep=no_time), budget),
        retry=replace(RETRY, sleep=no_time),
    ) as connection:
        yield Walk(pool, connection, bounds or Bounds(depth=2), workers=4)


async def pairs(pool: Pool) -> set[tuple[int, int]]:
    async with pool.acquire() as connection, connection.transaction():
        return {
            (int(user.rpartition(":")[2]) - FIRST_USER, int(track.rpartition(":")[2]) - FIRST_TRACK)
            async for user, track in favorites.stream(connection)
        }


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
async def test_exactly_the_reachable_graph_is_collected(pool: Pool, server: SandboxServer, depth: int) -> None:
    async with walk(pool, server, Bounds(depth=depth)) as one:
        assert await one.start(START) == f"soundcloud:users:{FIRST_USER}"
        await one.run()
    assert await pairs(pool) == WORLD.reachable(0, depth)
    assert (one.stats.pending, one.stats.unreadable) == (0, 0)
    assert set(one.stats.reasons) <= {"gone or private"}


async def test_killed_and_resumed_ten_times_the_tables_end_the_same(pool: Pool, server: SandboxServer) -> None:
    async with walk(pool, server) as one:
        await one.start(START)
    chance = random.Random(7)
    for _ in range(10):
        async with walk(pool, server) as one:
            running = asyncio.create_task(one.run())
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        # What a killed worker held comes back with the end of its lease.
        await pool.execute("UPDATE manifest SET claimed_until = now() WHERE claimed_until > now()")
    async with walk(pool, server) as one:
        await one.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)


async def test_two_walks_side_by_side_request_nothing_twice(pool: Pool, server: SandboxServer) -> None:
    async with walk(pool, server) as one, walk(pool, server) as other:
        await one.start(START)
        await asyncio.gather(one.run(), other.run())
    assert await pairs(pool) == WORLD.reachable(0, 2)
    requests = [f"{request.path}?{request.query}" for request in server.sandbox.journal.read("/soundcloud/users/")]
    lists = [address for address in requests if "/likes/tracks" in address]
    assert len(lists) == len(set(lists))


async def test_the_budget_is_never_exceeded_and_the_next_run_goes_on(pool: Pool, server: SandboxServer) -> None:
    server.sandbox.journal.clear()
    async with walk(pool, server, budget=15) as one:
        await one.start(START)
        await one.run()
    made = [request for request in server.sandbox.journal.read("/soundcloud/") if "oauth" not in request.path]
    assert len(made) == 15
    assert one.stats.pending > 0
    before = await pairs(pool)
    assert before < WORLD.reachable(0, 2)
    async with walk(pool, server) as two:
        await two.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)


async def test_a_list_is_not_read_again_until_it_is_stale(pool: Pool, server: SandboxServer) -> None:
    async with walk(pool, server, Bounds(depth=1)) as one:
        await one.start(START)
        await one.run()
    server.sandbox.journal.clear()
    async with walk(pool, server, Bounds(depth=1)) as two:
        await two.run()
    assert two.stats.requests == 0
    async with walk(pool, server, Bounds(depth=2)) as deeper:
        await deeper.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)
    await pool.execute("UPDATE manifest SET due_at = now() WHERE depth = 0")
    async with walk(pool, server, Bounds(depth=2)) as stale:
        await stale.run()
    assert 0 < stale.stats.lists < 5


async def test_long_lists_are_cut_off_and_resumed_lists_count_on(pool: Pool, server: SandboxServer) -> None:
    bounds = Bounds(depth=1, likes_of_user=7, likers_of_track=3)
    async with walk(pool, server, bounds) as one:
        await one.start(START)
        await one.run()
    favourites = await pairs(pool)
    liked = sorted(track for user, track in favourites if user == 0)
    assert set(liked) >= {int(track) for track in WORLD.tracks_of[0][:7]}
    assert await task_queue.count_due(pool, [LIKES, LIKERS], max_depth=1) == (
        0,
        (await task_queue.count_due(pool, [LIKES, LIKERS], max_depth=1))[1],
    )
    for track in liked[:7]:
        assert sum(favourite == track for _, favourite in favourites) <= 4


@pytest.mark.parametrize("text", [None, "", "garbage", "5", "|x", "a|b"])
def test_a_place_that_makes_no_sense_is_the_beginning(text: str | None) -> None:
    assert ListPosition.parse(text) == ListPosition()
    assert ListPosition.parse(ListPosition(400, "cursor=a|b").format()) == ListPosition(400, "cursor=a|b")


async def test_pages_that_go_round_end_after_the_first_round(pool: Pool) -> None:
    habits = Quirks(short_pages=False, users_with_cyclic_pages=frozenset({0}))
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE, quirks=habits))) as server:
        async with walk(pool, server, Bounds(depth=0)) as one:
            await one.start(START)
            await one.run()
    assert await pairs(pool) == WORLD.reachable(0, 0)
    assert one.stats.reasons == {"its pages repeat": 1}


@pytest.mark.parametrize("with_previews", [False, True])
async def test_rows_that_stand_twice_on_a_page_and_over_pages_count_once(pool: Pool, with_previews: bool) -> None:
    quirks = Quirks(repeated_rows=True)
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE, quirks=quirks))) as server:
        async with walk(pool, server) as one:
            one._writer.enqueue_previews = with_previews
            await one.start(START)
            await one.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)
    # A pair is a row of the likes and of the likers.
    assert one.stats.rows == await pool.fetchval(
        """SELECT count(*) FROM favorites JOIN manifest ON done_at IS NOT NULL
        AND (urn, request) IN (("user", 'likes'), (track, 'likers'))"""
    )
    assert one.stats.unreadable > 0


async def test_a_token_that_ends_and_bursts_of_429_cost_nothing(pool: Pool, server: SandboxServer) -> None:
    faults = server.sandbox.faults
    faults.add(Fault(path="/soundcloud/users/*", status=401, after=3))
    faults.add(Fault(path="/soundcloud/tracks/*", status=429, body={"error": "Rate Limit Exceeded"}, after=5, times=3))
    faults.add(Fault(path="/soundcloud/users/*", status=504, body="upstream timed out", after=8, times=3))
    async with walk(pool, server) as one:
        await one.start(START)
        await one.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)


async def test_a_server_that_fails_for_long_is_called_again_later(pool: Pool, server: SandboxServer) -> None:
    server.sandbox.faults.add(Fault(path="/soundcloud/users/*/likes/*", status=503, times=None))
    async with walk(pool, server) as one:
        await one.start(START)
        await one.run()
    assert one.stats.reasons == {"SoundCloud did not answer": 1}
    assert await pairs(pool) == set()
    server.sandbox.faults.clear()
    row = await pool.fetchrow("SELECT due_at > now() AS later, last_error FROM manifest WHERE request = 'likes'")
    assert row is not None
    assert row["later"]
    assert "503" in row["last_error"]


async def test_a_longer_wait_than_a_run_waits_stops_it_with_its_position_stored(
    pool: Pool, server: SandboxServer
) -> None:
    server.sandbox.faults.add(
        Fault(path="/soundcloud/tracks/*", status=429, headers={"Retry-After": "3600"}, times=None, after=4)
    )
    async with walk(pool, server) as one:
        await one.start(START)
        with pytest.raises(QuotaExhausted, match="run the same command again to continue") as stopped:
            await one.run()
    assert stopped.value.wait_s == 3600
    server.sandbox.faults.clear()
    async with walk(pool, server) as two:
        await two.run()
    assert await pairs(pool) == WORLD.reachable(0, 2)


async def test_an_account_without_a_subscription_is_told_so(pool: Pool, server: SandboxServer) -> None:
    async with walk(pool, server) as one:
        await one.start(START)
        body = {"code": 403, "message": "An active Pro Unlimited subscription is required for this action"}
        server.sandbox.faults.add(Fault(path="/soundcloud/*", status=403, body=body, times=None))
        with pytest.raises(NotAllowed, match="Pro Unlimited"):
            await one.run()
    assert (await task_queue.count_due(pool, [LIKES]))[0] == 1


async def test_no_walk_begins_where_nothing_is(pool: Pool, server: SandboxServer) -> None:
    async with walk(pool, server) as one:
        with pytest.raises(Missing):
            await one.start("https://soundcloud.com/nobody")
        with pytest.raises(InvalidAddress):
            await one.start("https://example.com/listener-0")
        assert await one.start("https://soundcloud.com/listener-1/track-1") == f"soundcloud:tracks:{FIRST_TRACK + 1}"


async def test_what_soundcloud_says_of_a_track_is_kept_and_of_a_person_only_counts(
    pool: Pool, server: SandboxServer
) -> None:
    async with walk(pool, server, Bounds(depth=1)) as one:
        await one.start(START)
        await one.run()
    place = int(WORLD.tracks_of[0][0])
    urn = f"soundcloud:tracks:{FIRST_TRACK + place}"
    stored = await tracks.get(pool, TrackId.from_urn(urn))
    assert stored is not None
    assert stored.track.tags[0] == WORLD.piece_of(place).style
    assert stored.track.tags[1].startswith("made for ")
    counted = await popularity.get(pool, urn)
    assert counted is not None
    assert counted.published_at is not None
    user = await users.get(pool, f"soundcloud:users:{FIRST_USER}")
    assert user is not None
    columns = await pool.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'users'")
    assert not {row["column_name"] for row in columns} & {"username", "full_name", "city", "avatar_url"}


async def test_people_and_artists_to_be_forgotten_stay_away(pool: Pool, server: SandboxServer) -> None:
    fan = next(int(user) for user in WORLD.users_of[int(WORLD.tracks_of[0][0])] if user != 0)
    await pool.execute("INSERT INTO blocks (urn) VALUES ($1)", f"soundcloud:users:{FIRST_USER + fan}")
    async with walk(pool, server) as one:
        await one.start(START)
        await one.run()
    results = await pairs(pool)
    assert fan not in {user for user, _ in results}
    assert fan not in {track % SIZE.users for _, track in results}
    assert await users.delete_unseen(pool, timedelta(days=1)) == []


class Tones(Previews):
    """Previews that are made in no time."""

    def mp3(self, piece: Piece) -> bytes:  # noqa: ARG002 - all sound alike
        time = np.arange(6 * 44_100) / 44_100
        return encode_mp3(np.stack([0.3 * np.sin(2 * np.pi * 440 * time)] * 2, axis=1).astype(np.float32))


async def test_previews_of_the_tracks_on_the_way_are_brought_where_that_is_allowed(
    pool: Pool, tag_reader: TagReader
) -> None:
    store = MemoryStore()
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE), previews=Tones())) as server:
        async with preview_client(None) as client, walk(pool, server, Bounds(depth=0)) as one:
            hosts = HostList.parse("*.sndcdn.com").with_host(host_of(server.url))
            chain = PreviewChain([SoundCloudPreviews(one.connection, hosts)], Downloader(client), tag_reader)
            allowed = Walk(
                pool,
                one.connection,
                one.bounds,
                workers=4,
                preview_ingest=PreviewIngest(pool, Ingest(pool, store), chain),
            )
            await allowed.start(START)
            await allowed.run()
    liked = [int(track) for track in WORLD.tracks_of[0]]
    offered = {
        f"soundcloud:tracks:{FIRST_TRACK + track}"
        for track in liked
        if SoundCloudReplies(WORLD, "").track(track)["access"] != "blocked"
    }
    brought = {row["urn"] for row in await pool.fetch("SELECT urn FROM tracks WHERE state = 'queued'")}
    assert brought == offered, allowed.stats
    assert allowed.stats.previews == len(offered) < len(liked)
    assert len([results async for results in store.list("previews/soundcloud/")]) == len(offered)


async def test_a_database_that_stays_away_ends_the_walk_by_its_own_type(
    pool: Pool, database_url: str, server: SandboxServer
) -> None:
    async with database.connect(database_url) as gone:
        pass
    async with walk(gone, server) as one:
        without_database = Walk(gone, one.connection)
        with pytest.raises(CONNECTION_FAILURES):
            await without_database.run()


async def test_a_database_that_fails_between_pages_ends_the_walk_and_leaves_the_task_due(
    pool: Pool, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("connection refused")

    monkeypatch.setattr(GraphWriter, "write_likes", fail)
    async with walk(pool, server) as one:
        await one.start(START)
        with pytest.raises(DatabaseUnavailable):
            await one.run()
    assert one.stats.reasons == {}
    assert await pool.fetchval("SELECT count(*) FROM manifest WHERE last_error IS NOT NULL OR due_at IS NULL") == 0
