"""Crawls that are started from afar: one at a time, taken up again, stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from soundalike.db import advisory_locks, crawls, erasure
from soundalike.db.crawls import CrawlSource, CrawlState
from soundalike.errors import TooManyCrawls

if TYPE_CHECKING:
    from soundalike.db.crawls import StoredCrawl
    from soundalike.db.database import Pool

LIST = CrawlSource(playlist="deezer:playlist:1")
FOLDER = CrawlSource(folder=b"/music/\xff")


async def add(pool: Pool, source: CrawlSource) -> StoredCrawl:
    async with pool.acquire() as connection:
        crawl = await crawls.add(connection, source)
    assert crawl is not None
    return crawl


async def state_of(pool: Pool, crawl: StoredCrawl) -> CrawlState:
    stored = await crawls.get(pool, crawl.id)
    assert stored is not None
    return stored.state


async def test_crawls_run_one_after_the_other_in_their_order(pool: Pool) -> None:
    first, second = await add(pool, FOLDER), await add(pool, LIST)
    assert (first.source, first.state) == (FOLDER, CrawlState.WAITING)
    leased = [crawl for crawl in await asyncio.gather(*(crawls.lease(pool) for _ in range(4))) if crawl]
    assert [crawl.id for crawl in leased] == [first.id]
    assert leased[0].started_at is not None
    await crawls.end(pool, first, CrawlState.DONE, {"seen": 3}, summary="3 uploaded")
    ended = await crawls.get(pool, first.id)
    assert ended is not None
    assert (ended.state, ended.progress, ended.summary, ended.error) == (
        CrawlState.DONE,
        {"seen": 3},
        "3 uploaded",
        None,
    )
    next_one = await crawls.lease(pool)
    assert next_one is not None
    assert next_one.id == second.id
    assert [crawl.id for crawl in await crawls.newest(pool, limit=9)] == [second.id, first.id]


async def test_the_same_crawl_is_not_added_twice(pool: Pool) -> None:
    first = await add(pool, LIST)
    assert (await add(pool, LIST)).id == first.id
    await crawls.lease(pool)
    assert (await add(pool, LIST)).id == first.id
    await crawls.end(pool, first, CrawlState.FAILED, {}, error="away")
    assert (await add(pool, LIST)).id != first.id


@pytest.mark.parametrize("how", ["died", "left"])
async def test_what_a_crawler_leaves_is_taken_up_again(pool: Pool, how: str) -> None:
    first, _ = await add(pool, FOLDER), await add(pool, LIST)
    running = await crawls.lease(pool)
    assert running is not None
    assert await crawls.report(pool, running, {"seen": 1})
    assert await crawls.lease(pool) is None
    if how == "died":
        await pool.execute("UPDATE crawls SET leased_until = now() WHERE id = $1", first.id)
    else:
        await crawls.release(pool, running)
    again = await crawls.lease(pool)
    assert again is not None
    assert (again.id, again.state, again.progress) == (first.id, CrawlState.RUNNING, {"seen": 1})


async def die(pool: Pool) -> None:
    await pool.execute("UPDATE crawls SET leased_until = now()")


async def test_a_crawl_during_which_crawler_after_crawler_dies_is_given_up(pool: Pool) -> None:
    deadly, next_one = await add(pool, FOLDER), await add(pool, LIST)
    for _ in range(crawls.MAX_ATTEMPTS):
        running = await crawls.lease(pool)
        assert running is not None
        assert running.id == deadly.id
        assert await crawls.report(pool, running, {"seen": 5})
        await die(pool)
    following = await crawls.lease(pool)
    assert following is not None
    assert following.id == next_one.id
    ended = await crawls.get(pool, deadly.id)
    assert ended is not None
    assert (ended.state, ended.progress) == (CrawlState.FAILED, {"seen": 5})
    assert ended.ended_at is not None
    assert ended.error is not None
    assert "crawler ended 3 times" in ended.error


async def test_a_crawl_that_crawlers_leave_in_order_is_taken_up_again_however_often(pool: Pool) -> None:
    crawl = await add(pool, FOLDER)
    for _ in range(2 * crawls.MAX_ATTEMPTS):
        running = await crawls.lease(pool)
        assert running is not None
        await crawls.release(pool, running)
    assert await state_of(pool, crawl) is CrawlState.RUNNING


async def test_a_crawl_whose_crawler_dies_before_it_stops_it_is_stopped(pool: Pool) -> None:
    crawl = await add(pool, FOLDER)
    await crawls.lease(pool)
    await crawls.stop(pool, crawl.id)
    await die(pool)
    assert await crawls.lease(pool) is None
    assert await state_of(pool, crawl) is CrawlState.STOPPED


async def test_a_waiting_crawl_is_stopped_at_once_and_a_running_one_by_its_crawler(pool: Pool) -> None:
    running, waiting = await add(pool, FOLDER), await add(pool, LIST)
    await crawls.lease(pool)
    stopped = await crawls.stop(pool, waiting.id)
    assert stopped is not None
    assert (stopped.state, stopped.ended_at is not None) == (CrawlState.STOPPED, True)
    still = await crawls.stop(pool, running.id)
    assert still is not None
    assert still.state is CrawlState.RUNNING
    assert not await crawls.report(pool, running, {})
    await crawls.end(pool, running, CrawlState.STOPPED, {})
    assert await state_of(pool, running) is CrawlState.STOPPED
    after = await crawls.stop(pool, running.id)
    assert after is not None
    assert after.state is CrawlState.STOPPED
    assert await crawls.stop(pool, 99) is None


async def test_a_crawl_whose_crawler_is_dead_is_stopped_at_once(pool: Pool) -> None:
    crawl = await add(pool, FOLDER)
    await crawls.lease(pool)
    await crawls.release(pool, crawl)
    stopped = await crawls.stop(pool, crawl.id)
    assert stopped is not None
    assert stopped.state is CrawlState.STOPPED


async def test_forgetting_a_list_stops_its_crawl_and_keeps_it_from_coming_again(pool: Pool) -> None:
    crawl = await add(pool, LIST)
    await crawls.lease(pool)
    async with pool.acquire() as connection:
        await erasure.forget_playlist(connection, "deezer:playlist:1")
        assert await crawls.add(connection, LIST) is None
    assert await crawls.get(pool, crawl.id) is None
    assert not await crawls.report(pool, crawl, {})
    await crawls.end(pool, crawl, CrawlState.STOPPED, {})
    assert await crawls.newest(pool, limit=9) == []


async def test_so_many_may_wait_and_old_ones_are_deleted(pool: Pool) -> None:
    for number in range(crawls.MAX_WAITING):
        await add(pool, CrawlSource(library=number))
    with pytest.raises(TooManyCrawls):
        await add(pool, LIST)
    await pool.execute("UPDATE crawls SET state = 'done', ended_at = now()")
    for number in range(70):
        await pool.execute("UPDATE crawls SET state = 'done', ended_at = now()")
        await add(pool, CrawlSource(library=1000 + number))
    assert await pool.fetchval("SELECT count(*) FROM crawls") == 101


async def test_a_watcher_is_known_for_as_long_as_its_connection_lasts(pool: Pool) -> None:
    assert not await advisory_locks.is_shared(pool, advisory_locks.WATCHER)
    async with pool.acquire() as one, pool.acquire() as other:
        for connection in (one, other):
            await advisory_locks.share(connection, advisory_locks.WATCHER)
        assert await advisory_locks.is_shared(pool, advisory_locks.WATCHER)
        assert not await advisory_locks.is_shared(pool, "somebody")
        await one.reset()
        assert await advisory_locks.is_shared(pool, advisory_locks.WATCHER)
    assert not await advisory_locks.is_shared(pool, advisory_locks.WATCHER)
