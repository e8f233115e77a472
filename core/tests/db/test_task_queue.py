"""The to-do list: nothing is asked twice at a time, nothing owed is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soundalike.db import task_queue

if TYPE_CHECKING:
    from typing import Any

    from soundalike.db.database import Pool

A, B, C = "soundcloud:users:1", "soundcloud:users:2", "soundcloud:users:3"


async def _names(pool: Pool, **options: Any) -> list[str]:
    return [errand.urn for errand in await task_queue.claim(pool, ["likes"], **options)]


async def test_a_claimed_request_belongs_to_one_worker_until_its_lease_ends(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A], "likes")
    assert await _names(pool, lease=timedelta(milliseconds=50)) == [A]
    assert await _names(pool) == []
    await asyncio.sleep(0.1)
    [again] = await task_queue.claim(pool, ["likes"])
    assert (again.urn, again.attempts) == (A, 2)


async def test_two_workers_share_the_work(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A, B, C], "likes")
    claims = await asyncio.gather(*(task_queue.claim(pool, ["likes"]) for _ in range(3)))
    assert sorted(errand.urn for claim in claims for errand in claim) == [A, B, C]


async def test_never_asked_comes_before_stale_and_shallow_before_deep(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A], "likes")
    [first] = await task_queue.claim(pool, ["likes"])
    await task_queue.done(pool, first, again_in=timedelta(0))
    await task_queue.owe(pool, "user", [B], "likes", depth=2)
    await task_queue.owe(pool, "user", [C], "likes", depth=1)
    assert [await _names(pool) for _ in range(3)] == [[C], [B], [A]]


async def test_no_deeper_than_asked_for_and_a_shorter_way_makes_it_shallower(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A], "likes", depth=3)
    assert await _names(pool, depth=2) == []
    await task_queue.owe(pool, "user", [A], "likes", depth=2)
    assert await _names(pool, depth=2) == [A]


async def test_the_cursor_outlives_a_worker_and_ends_with_the_request(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A], "likes")
    [errand] = await task_queue.claim(pool, ["likes"])
    await task_queue.hold(pool, errand, cursor="page-2", lease=timedelta(seconds=-1))
    [errand] = await task_queue.claim(pool, ["likes"])
    assert errand.cursor == "page-2"
    await task_queue.done(pool, errand)
    await task_queue.renew(pool, "user", A, "likes")
    [errand] = await task_queue.claim(pool, ["likes"])
    assert errand.cursor is None


async def test_what_is_done_for_good_or_postponed_is_not_due_until_somebody_asks(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A, B], "likes")
    done, failed = await task_queue.claim(pool, ["likes"], limit=2)
    await task_queue.done(pool, done)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await task_queue.postpone(pool, failed, "503 from\x00 far away", tomorrow)
    assert await _names(pool) == []
    assert await task_queue.owed(pool, ["likes"]) == (0, tomorrow)
    await task_queue.owe(pool, "user", [A, B], "likes")
    assert await _names(pool) == []
    for urn in (A, B):
        await task_queue.renew(pool, "user", urn, "likes")
    assert sorted(await _names(pool, limit=2)) == [A, B]


async def test_dropped_requests_are_gone(pool: Pool) -> None:
    await task_queue.owe(pool, "user", [A], "likes")
    await task_queue.owe(pool, "user", [A], "profile")
    await task_queue.drop(pool, "user", A)
    assert await task_queue.owed(pool, ["likes", "profile"]) == (0, None)


async def test_listeners_hear_of_what_is_owed(pool: Pool) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as connection:
        await connection.add_listener(task_queue.CHANNEL, lambda *given: told.put_nowait(str(given[-1])))
        await task_queue.renew(pool, "track", "file:track:1", "add")
        assert await asyncio.wait_for(told.get(), 10) == "add"
        await connection.reset(timeout=5)
