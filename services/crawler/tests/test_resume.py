"""A crawl that is killed goes on where it was, and a list's moves and removals are followed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import UNCHANGED
from soundalike.crawler.errors import SourceLocked
from soundalike.crawler.leases import LocalLeases, SharedLeases
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import checkpoints, playlists, track_states
from soundalike.db.tracks import State
from soundalike.http.errors import QuotaExhausted
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import generated_playlist
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from .conftest import CrawlFixture
else:
    CrawlFixture = Any

KEY = generated_playlist(4 * PAGE_SIZE).spotify_id
URN = f"spotify:playlist:{KEY}"


def offsets(crawler: CrawlFixture) -> list[int]:
    requests = [r.query for r in crawler.server.sandbox.journal.read("/v1/") if r.path.endswith("/items")]
    return [int(dict(pair.split("=") for pair in query.split("&"))["offset"]) for query in requests]


class DyingStore(MemoryStore):
    """Takes so many objects, then lets the whole process die, as far as a test can."""

    def __init__(self, objects: dict[str, Any], takes: int) -> None:
        super().__init__()
        self.objects = objects
        self.takes = takes
        self.dying = asyncio.Event()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.takes == 0:
            self.dying.set()
            await asyncio.Event().wait()
        self.takes -= 1
        await super().put(key, data, content_type)


async def test_killed_three_times_every_track_comes_once(crawler: CrawlFixture) -> None:
    puts: list[str] = []
    for _ in range(3):
        store = DyingStore(crawler.store.objects, takes=60)
        before = len(crawler.store.objects)
        running = asyncio.create_task(crawler.crawl(store=store).run(crawler.playlist(KEY)))
        await store.dying.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        puts += list(crawler.store.objects)[before:]
    crawler.server.sandbox.journal.clear()
    last = crawler.crawl(store=DyingStore(crawler.store.objects, takes=1000))
    assert await last.run(crawler.playlist(KEY)) is None
    assert last.stats.finished == 4 * PAGE_SIZE
    assert last.stats.count(OutcomeStatus.FAILED) == 0
    assert len(puts) == len(set(puts))
    assert len(crawler.store.objects) == 4 * PAGE_SIZE
    assert (await track_states.count_by_state(crawler.pool))[State.QUEUED] == 4 * PAGE_SIZE
    # What was read before is not asked for again.
    assert min(offsets(crawler)) >= 3 * PAGE_SIZE
    listed = await playlists.tracks_of(crawler.pool, URN)
    assert [track.key for track in listed] == [f"generatedtrack{n:08d}" for n in range(4 * PAGE_SIZE)]
    assert await checkpoints.load(crawler.pool, URN, "x") == []


async def test_a_spent_quota_keeps_the_place(crawler: CrawlFixture) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items", retry_after=7200).model_copy(update={"after": 2})
    crawler.server.sandbox.faults.add(fault)
    stopped = await crawler.crawl().run(crawler.playlist(KEY))
    assert isinstance(stopped, QuotaExhausted)
    assert stopped.wait_s == 7200
    crawler.server.sandbox.faults.clear()
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(KEY)) is None
    assert offsets(crawler) == [2 * PAGE_SIZE, 3 * PAGE_SIZE]
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {"already queued": 2 * PAGE_SIZE}
    assert again.stats.finished == 4 * PAGE_SIZE


async def test_what_is_owed_within_what_was_read_is_read_again(crawler: CrawlFixture) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 2})
    crawler.server.sandbox.faults.add(Fault(path="/mp3-preview/00000007*", status=503, times=None))
    crawler.server.sandbox.faults.add(fault)
    first = crawler.crawl()
    await first.run(crawler.playlist(KEY))
    assert first.stats.count(OutcomeStatus.FAILED) == 1
    crawler.server.sandbox.faults.clear()
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(KEY)) is None
    assert offsets(crawler)[0] == 7
    assert again.stats.finished == 4 * PAGE_SIZE
    assert (await track_states.count_by_state(crawler.pool))[State.QUEUED] == 4 * PAGE_SIZE


async def test_another_version_of_the_list_is_read_from_its_beginning(crawler: CrawlFixture) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 2})
    crawler.server.sandbox.faults.add(fault)
    await crawler.crawl().run(crawler.playlist(KEY))
    crawler.server.sandbox.faults.clear()
    crawler.server.sandbox.journal.clear()
    whole = generated_playlist(4 * PAGE_SIZE)
    crawler.server.sandbox.library.add(replace(whole, entries=whole.entries[::-1]))
    again = crawler.crawl()
    assert await again.run(crawler.playlist(KEY)) is None
    assert offsets(crawler)[0] == 0


async def test_moves_and_removals_are_followed(crawler: CrawlFixture) -> None:
    five = generated_playlist(5)
    urn = f"spotify:playlist:{five.spotify_id}"
    await crawler.crawl().run(crawler.playlist(five.spotify_id))
    zero, one, _, three, four = five.entries
    crawler.server.sandbox.library.add(replace(five, entries=(four, zero, one, three)))
    assert await crawler.crawl().run(crawler.playlist(five.spotify_id)) is None
    assert [track.key[-1] for track in await playlists.tracks_of(crawler.pool, urn)] == ["4", "0", "1", "3"]


async def test_an_unchanged_list_costs_one_request_while_its_tracks_are_on_their_way(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(KEY))
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(KEY)) is None
    assert len(crawler.server.sandbox.journal.read("/")) == 1
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 4 * PAGE_SIZE}


async def test_two_crawlers_do_not_read_the_same_list(crawler: CrawlFixture) -> None:
    async with SharedLeases(crawler.pool) as ours, SharedLeases(crawler.pool) as theirs, theirs.acquire(URN) as current:
        assert current
        assert isinstance(await crawler.crawl(leases=ours).run(crawler.playlist(KEY)), SourceLocked)


async def test_two_crawlers_share_tracks_that_both_lists_hold(crawler: CrawlFixture) -> None:
    lists = [generated_playlist(30), generated_playlist(31)]
    async with SharedLeases(crawler.pool) as ours, SharedLeases(crawler.pool) as theirs:
        first, second = crawler.crawl(leases=ours), crawler.crawl(leases=theirs)
        stopped = await asyncio.gather(
            first.run(crawler.playlist(lists[0].spotify_id)), second.run(crawler.playlist(lists[1].spotify_id))
        )
    assert stopped == [None, None]
    assert first.stats.count(OutcomeStatus.UPLOADED) + second.stats.count(OutcomeStatus.UPLOADED) == 31
    fetched = [request.path for request in crawler.server.sandbox.journal.read("/mp3-preview/")]
    assert len(fetched) == len(set(fetched)) == 31


@pytest.mark.parametrize("shared", [True, False])
async def test_a_claim_is_one_workers_until_the_context_ends(crawler: CrawlFixture, shared: bool) -> None:
    async def check(ours: Any, theirs: Any) -> None:
        async with ours.acquire("x") as mine, theirs.acquire("x") as again, theirs.acquire("y") as other:
            assert (mine, again, other) == (True, False, True)
        async with theirs.acquire("x") as now:
            assert now

    if not shared:
        both = LocalLeases()
        await check(both, both)
        return
    async with SharedLeases(crawler.pool) as ours, SharedLeases(crawler.pool) as theirs:
        await check(ours, theirs)
        await check(ours, ours)


async def test_the_claims_of_a_dead_crawler_are_free(crawler: CrawlFixture) -> None:
    async with SharedLeases(crawler.pool) as dead, SharedLeases(crawler.pool) as alive, dead.acquire("x"):
        async with alive.acquire("x") as mine:
            assert not mine
        assert dead._connection is not None
        await crawler.pool.execute("SELECT pg_terminate_backend($1, 5000)", dead._connection.get_server_pid())
        async with alive.acquire("x") as mine:
            assert mine
