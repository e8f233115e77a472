"""Previews, buckets and databases that fail while a playlist is crawled, and crawls that are cut off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from soundalike.crawler.errors import SourceUnavailable
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists, track_states
from soundalike.db.database import RetryingPool
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.errors import StoreUnavailable
from soundalike.http.errors import QuotaExhausted
from soundalike.retry import RetryPolicy
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, generated_playlist
from soundalike.storage.object_keys import preview_key
from soundalike.storage.object_store import MemoryStore
from soundalike.testing.wait import eventually

from .conftest import FIRST_ID, FIRST_PREVIEW, counts_by_status, state_of

if TYPE_CHECKING:
    from .conftest import CrawlFixture
else:
    CrawlFixture = Any


@pytest.mark.parametrize(
    ("fault", "status", "state", "reason"),
    [
        (
            Fault(path=FIRST_PREVIEW, status=404),
            OutcomeStatus.NO_PREVIEW,
            State.NO_PREVIEW,
            "the preview's server answered 404",
        ),
        (
            Fault(path=FIRST_PREVIEW, status=302, headers={"Location": "https://evil.example/"}),
            OutcomeStatus.NO_PREVIEW,
            State.NO_PREVIEW,
            "the preview is on a host that is not allowed",
        ),
        (
            Fault(path=FIRST_PREVIEW, status=503, times=None),
            OutcomeStatus.FAILED,
            State.PENDING,
            "the preview's server answered 503",
        ),
    ],
)
async def test_one_bad_preview_stops_nobody(
    crawler: CrawlFixture, fault: Fault, status: OutcomeStatus, state: State, reason: str
) -> None:
    crawler.server.sandbox.faults.add(fault)
    crawl = crawler.crawl()
    assert await crawl.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 47, status: 1}
    assert crawl.stats.by_reason[status] == {reason: 1}
    results, output = await state_of(crawler, FIRST_ID)
    assert results is state
    assert output
    crawler.server.sandbox.faults.clear()
    again = crawler.crawl(retry_missing=True)
    await again.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert counts_by_status(again.stats) == {OutcomeStatus.SKIPPED: 47, OutcomeStatus.UPLOADED: 1}
    assert await state_of(crawler, FIRST_ID) == (State.QUEUED, None)


async def test_a_preview_that_comes_at_the_second_try(crawler: CrawlFixture) -> None:
    crawler.server.sandbox.faults.add(Fault(path=FIRST_PREVIEW, status=503, times=2))
    crawl = crawler.crawl()
    await crawl.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 48}
    assert len(crawler.sleep.waits) == 2


async def test_a_spent_quota_keeps_what_was_read_and_goes_on_next_time(crawler: CrawlFixture) -> None:
    count = 2 * PAGE_SIZE
    key = generated_playlist(count).spotify_id
    crawler.server.sandbox.faults.add(Fault.quota_exceeded("/v1/playlists/*/items").model_copy(update={"after": 1}))
    crawl = crawler.crawl()
    assert isinstance(await crawl.run(crawler.playlist(key)), QuotaExhausted)
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: PAGE_SIZE}
    assert await playlists.get(crawler.pool, f"spotify:playlist:{key}") is None
    crawler.server.sandbox.faults.clear()
    again = crawler.crawl()
    assert await again.run(crawler.playlist(key)) is None
    assert counts_by_status(again.stats) == {OutcomeStatus.SKIPPED: PAGE_SIZE, OutcomeStatus.UPLOADED: PAGE_SIZE}
    assert len(await playlists.tracks_of(crawler.pool, f"spotify:playlist:{key}")) == count


async def test_a_list_that_ends_too_early_is_not_taken_for_whole(crawler: CrawlFixture) -> None:
    key = generated_playlist(60).spotify_id
    body = {"items": [], "total": 60}
    crawler.server.sandbox.faults.add(Fault(path="/v1/playlists/*/items", status=200, body=body, after=1, times=None))
    crawl = crawler.crawl()
    stopped = await crawl.run(crawler.playlist(key))
    assert isinstance(stopped, SourceUnavailable)
    assert "announced 60 entries but returned only 50" in str(stopped)
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 50}


class UnsteadyStore(MemoryStore):
    """Refuses so many writes, then takes them."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("busy")
        await super().put(key, data, content_type)


@pytest.mark.parametrize(
    ("refusals", "statuses"),
    [(3, {OutcomeStatus.UPLOADED: 3}), (4, {OutcomeStatus.UPLOADED: 2, OutcomeStatus.FAILED: 1})],
)
async def test_a_store_that_is_away_for_a_while(
    crawler: CrawlFixture, refusals: int, statuses: dict[OutcomeStatus, int]
) -> None:
    crawl = crawler.crawl(store=UnsteadyStore(refusals), concurrency=1)
    assert await crawl.run(crawler.playlist(generated_playlist(3).spotify_id)) is None
    assert counts_by_status(crawl.stats) == statuses
    counts = await track_states.count_by_state(crawler.pool)
    assert (counts[State.QUEUED], counts[State.PENDING]) == (
        statuses[OutcomeStatus.UPLOADED],
        statuses.get(OutcomeStatus.FAILED, 0),
    )


class UnsteadyPool:
    """A pool whose connections break so often before they hold."""

    def __init__(self, pool: Any, failures: int) -> None:
        self._pool = pool
        self.failures = failures

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        if self.failures and "INSERT INTO tracks" in statement:
            self.failures -= 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return await self._pool.fetchval(statement, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def unsteady_pool(crawler: CrawlFixture, failures: int) -> RetryingPool:
    return RetryingPool(UnsteadyPool(crawler.pool, failures), RetryPolicy(sleep=crawler.sleep.sleep))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failures", "statuses"),
    [(3, {OutcomeStatus.UPLOADED: 3}), (4, {OutcomeStatus.UPLOADED: 2, OutcomeStatus.FAILED: 1})],
)
async def test_a_database_that_is_away_for_a_while(
    crawler: CrawlFixture, failures: int, statuses: dict[OutcomeStatus, int]
) -> None:
    crawl = crawler.crawl(pool=unsteady_pool(crawler, failures), concurrency=1)
    key = generated_playlist(3).spotify_id
    assert await crawl.run(crawler.playlist(key)) is None
    assert counts_by_status(crawl.stats) == statuses
    assert (await playlists.get(crawler.pool, f"spotify:playlist:{key}") is None) is (OutcomeStatus.FAILED in statuses)


async def test_a_track_whose_row_was_never_written_does_not_break_the_list(crawler: CrawlFixture) -> None:
    crawl = crawler.crawl(pool=unsteady_pool(crawler, 4), concurrency=1)
    assert await crawl.run(crawler.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert crawl.stats.count(OutcomeStatus.FAILED) == 1
    # A list that is not wholly known is not stored: what is missing would look like a removal.
    assert await playlists.get(crawler.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}") is None
    again = crawler.crawl()
    assert await again.run(crawler.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert again.stats.count(OutcomeStatus.UPLOADED) == 1
    assert len(await playlists.tracks_of(crawler.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}")) == 7


class GatedStore(MemoryStore):
    """Takes so many objects, then none until it is asked no more."""

    def __init__(self, takes: int) -> None:
        super().__init__()
        self.takes = takes
        self.full = asyncio.Event()

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        if len(self.objects) >= self.takes:
            self.full.set()
            await asyncio.Event().wait()
        await super().put(key, data, content_type)


async def test_an_interrupted_crawl_goes_on_where_it_stopped(crawler: CrawlFixture) -> None:
    store = GatedStore(takes=10)
    crawl = crawler.crawl(store=store)
    running = asyncio.create_task(crawl.run(crawler.playlist(DEMO_PLAYLIST_ID)))
    await store.full.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    # What was cut off between its commit and its count is queued all the same.
    done = (await track_states.count_by_state(crawler.pool))[State.QUEUED]
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == crawl.stats.finished <= done <= 10
    assert len(store.objects) == 10
    assert 1 <= crawl.stats.unfinished <= crawl.concurrency
    again = crawler.crawl()
    assert await again.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert counts_by_status(again.stats) == {OutcomeStatus.SKIPPED: done, OutcomeStatus.UPLOADED: 48 - done}
    assert set(store.objects) | set(crawler.store.objects) == {
        preview_key(TrackId("spotify", piece.spotify_id), "mp3") for piece in pieces()
    }


async def test_no_more_than_asked_for_at_a_time(crawler: CrawlFixture) -> None:
    store = GatedStore(takes=0)
    crawl = crawler.crawl(store=store, concurrency=3)
    running = asyncio.create_task(crawl.run(crawler.playlist(DEMO_PLAYLIST_ID)))
    await store.full.wait()
    await eventually(lambda: crawl.stats.started >= 3)
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert crawl.stats.started == 3


async def test_an_error_that_nobody_thought_of_is_counted_and_logged(
    crawler: CrawlFixture, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenStore(MemoryStore):
        async def put(self, *_: object) -> None:  # type: ignore[override]
            raise ZeroDivisionError("a bug")

    crawl = crawler.crawl(store=BrokenStore())
    assert await crawl.run(crawler.playlist(generated_playlist(2).spotify_id)) is None
    assert crawl.stats.by_reason[OutcomeStatus.FAILED] == {"an error in the crawler": 2}
    assert "a bug" in caplog.text
