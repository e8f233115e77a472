"""A crawl that is killed goes on where it was, and a list's moves and removals are followed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import UNCHANGED
from soundalike.crawler.errors import QuotaSpent, SourceBusy
from soundalike.crawler.leases import LocalClaims, SharedClaims
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.crawler.stats import Fate
from soundalike.db import checkpoints, playlists, tracks
from soundalike.db.tracks import State
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import generated_playlist
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from .conftest import Bench
else:
    Bench = Any

KEY = generated_playlist(4 * PAGE_SIZE).spotify_id
URN = f"spotify:playlist:{KEY}"


def offsets(bench: Bench) -> list[int]:
    asked = [r.query for r in bench.server.sandbox.journal.read("/v1/") if r.path.endswith("/items")]
    return [int(dict(pair.split("=") for pair in query.split("&"))["offset"]) for query in asked]


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


async def test_killed_three_times_every_track_comes_once(bench: Bench) -> None:
    puts: list[str] = []
    for _ in range(3):
        store = DyingStore(bench.store.objects, takes=60)
        before = len(bench.store.objects)
        running = asyncio.create_task(bench.crawl(store=store).run(bench.playlist(KEY)))
        await store.dying.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        puts += list(bench.store.objects)[before:]
    bench.server.sandbox.journal.clear()
    last = bench.crawl(store=DyingStore(bench.store.objects, takes=1000))
    assert await last.run(bench.playlist(KEY)) is None
    assert last.tally.found == 4 * PAGE_SIZE
    assert last.tally.count(Fate.FAILED) == 0
    assert len(puts) == len(set(puts))
    assert len(bench.store.objects) == 4 * PAGE_SIZE
    assert (await tracks.count_by_state(bench.pool))[State.QUEUED] == 4 * PAGE_SIZE
    # What was read before is not asked for again.
    assert min(offsets(bench)) >= 3 * PAGE_SIZE
    listed = await playlists.tracks_of(bench.pool, URN)
    assert [track.key for track in listed] == [f"generatedtrack{n:08d}" for n in range(4 * PAGE_SIZE)]
    assert await checkpoints.load(bench.pool, URN, "x") == []


async def test_a_spent_quota_keeps_the_place(bench: Bench) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items", retry_after=7200).model_copy(update={"after": 2})
    bench.server.sandbox.faults.add(fault)
    stopped = await bench.crawl().run(bench.playlist(KEY))
    assert isinstance(stopped, QuotaSpent)
    assert stopped.wait_s == 7200
    bench.server.sandbox.faults.clear()
    bench.server.sandbox.journal.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(KEY)) is None
    assert offsets(bench) == [2 * PAGE_SIZE, 3 * PAGE_SIZE]
    assert again.tally.by_reason[Fate.SKIPPED] == {"on its way already": 2 * PAGE_SIZE}
    assert again.tally.found == 4 * PAGE_SIZE


async def test_what_is_owed_within_what_was_read_is_read_again(bench: Bench) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 2})
    bench.server.sandbox.faults.add(Fault(path="/mp3-preview/00000007*", status=503, times=None))
    bench.server.sandbox.faults.add(fault)
    first = bench.crawl()
    await first.run(bench.playlist(KEY))
    assert first.tally.count(Fate.FAILED) == 1
    bench.server.sandbox.faults.clear()
    bench.server.sandbox.journal.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(KEY)) is None
    assert offsets(bench)[0] == 7
    assert again.tally.found == 4 * PAGE_SIZE
    assert (await tracks.count_by_state(bench.pool))[State.QUEUED] == 4 * PAGE_SIZE


async def test_another_version_of_the_list_is_read_from_its_beginning(bench: Bench) -> None:
    fault = Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 2})
    bench.server.sandbox.faults.add(fault)
    await bench.crawl().run(bench.playlist(KEY))
    bench.server.sandbox.faults.clear()
    bench.server.sandbox.journal.clear()
    whole = generated_playlist(4 * PAGE_SIZE)
    bench.server.sandbox.library.add(replace(whole, entries=whole.entries[::-1]))
    again = bench.crawl()
    assert await again.run(bench.playlist(KEY)) is None
    assert offsets(bench)[0] == 0


async def test_moves_and_removals_are_followed(bench: Bench) -> None:
    five = generated_playlist(5)
    urn = f"spotify:playlist:{five.spotify_id}"
    await bench.crawl().run(bench.playlist(five.spotify_id))
    zero, one, _, three, four = five.entries
    bench.server.sandbox.library.add(replace(five, entries=(four, zero, one, three)))
    assert await bench.crawl().run(bench.playlist(five.spotify_id)) is None
    assert [track.key[-1] for track in await playlists.tracks_of(bench.pool, urn)] == ["4", "0", "1", "3"]


async def test_an_unchanged_list_costs_one_request_while_its_tracks_are_on_their_way(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(KEY))
    bench.server.sandbox.journal.clear()
    again = bench.crawl()
    assert await again.run(bench.playlist(KEY)) is None
    assert len(bench.server.sandbox.journal.read("/")) == 1
    assert again.tally.by_reason[Fate.SKIPPED] == {UNCHANGED: 4 * PAGE_SIZE}


async def test_two_crawlers_do_not_read_the_same_list(bench: Bench) -> None:
    async with SharedClaims(bench.pool) as ours, SharedClaims(bench.pool) as theirs, theirs.of(URN) as held:
        assert held
        assert isinstance(await bench.crawl(claims=ours).run(bench.playlist(KEY)), SourceBusy)


async def test_two_crawlers_share_tracks_that_both_lists_hold(bench: Bench) -> None:
    lists = [generated_playlist(30), generated_playlist(31)]
    async with SharedClaims(bench.pool) as ours, SharedClaims(bench.pool) as theirs:
        first, second = bench.crawl(claims=ours), bench.crawl(claims=theirs)
        stopped = await asyncio.gather(
            first.run(bench.playlist(lists[0].spotify_id)), second.run(bench.playlist(lists[1].spotify_id))
        )
    assert stopped == [None, None]
    assert first.tally.count(Fate.UPLOADED) + second.tally.count(Fate.UPLOADED) == 31
    fetched = [request.path for request in bench.server.sandbox.journal.read("/mp3-preview/")]
    assert len(fetched) == len(set(fetched)) == 31


@pytest.mark.parametrize("shared", [True, False])
async def test_a_claim_is_one_workers_until_the_context_ends(bench: Bench, shared: bool) -> None:
    async def check(ours: Any, theirs: Any) -> None:
        async with ours.of("x") as mine, theirs.of("x") as again, theirs.of("y") as other:
            assert (mine, again, other) == (True, False, True)
        async with theirs.of("x") as now:
            assert now

    if not shared:
        both = LocalClaims()
        await check(both, both)
        return
    async with SharedClaims(bench.pool) as ours, SharedClaims(bench.pool) as theirs:
        await check(ours, theirs)
        await check(ours, ours)


async def test_the_claims_of_a_dead_crawler_are_free(bench: Bench) -> None:
    async with SharedClaims(bench.pool) as dead, SharedClaims(bench.pool) as alive, dead.of("x"):
        async with alive.of("x") as mine:
            assert not mine
        assert dead._connection is not None
        await bench.pool.execute("SELECT pg_terminate_backend($1, 5000)", dead._connection.get_server_pid())
        async with alive.of("x") as mine:
            assert mine
