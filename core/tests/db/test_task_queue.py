"""The task queue: nothing is leased twice at a time, nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from soundalike.db import task_queue
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from typing import Any

    from soundalike.db.database import Pool

A, B, C = "soundcloud:users:1", "soundcloud:users:2", "soundcloud:users:3"


async def _names(pool: Pool, **options: Any) -> list[str]:
    return [task.urn for task in await task_queue.lease(pool, ["likes"], **options)]


async def test_a_leased_task_belongs_to_one_worker_until_its_lease_ends(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A], "likes")
    assert await _names(pool, duration=timedelta(0)) == [A]
    assert await _names(pool, duration=timedelta(hours=1)) == [A]
    assert await _names(pool) == []
    await pool.execute("UPDATE manifest SET claimed_until = now()")
    [again] = await task_queue.lease(pool, ["likes"])
    assert (again.urn, again.attempts) == (A, 3)


async def test_two_workers_share_the_work(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A, B, C], "likes")
    leases = await asyncio.gather(*(task_queue.lease(pool, ["likes"]) for _ in range(3)))
    assert sorted(task.urn for lease in leases for task in lease) == [A, B, C]


async def test_new_comes_before_stale_and_shallow_before_deep(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A], "likes")
    [first] = await task_queue.lease(pool, ["likes"])
    await task_queue.complete(pool, first, repeat_in=timedelta(0))
    await task_queue.enqueue(pool, "user", [B], "likes", depth=2)
    await task_queue.enqueue(pool, "user", [C], "likes", depth=1)
    assert [await _names(pool) for _ in range(3)] == [[C], [B], [A]]


async def test_no_deeper_than_the_maximum_and_a_shorter_way_makes_it_shallower(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A], "likes", depth=3)
    assert await _names(pool, max_depth=2) == []
    await task_queue.enqueue(pool, "user", [A], "likes", depth=2)
    assert await _names(pool, max_depth=2) == [A]


async def test_the_cursor_outlives_a_worker_and_ends_with_the_request(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A], "likes")
    [task] = await task_queue.lease(pool, ["likes"])
    await task_queue.extend_lease(pool, task, cursor="page-2", duration=timedelta(seconds=-1))
    [task] = await task_queue.lease(pool, ["likes"])
    assert task.cursor == "page-2"
    await task_queue.complete(pool, task)
    await task_queue.enqueue_now(pool, "user", A, "likes")
    [task] = await task_queue.lease(pool, ["likes"])
    assert task.cursor is None


async def test_what_is_complete_or_rescheduled_is_not_due_until_it_is_enqueued_again(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A, B], "likes")
    done, failed = await task_queue.lease(pool, ["likes"], limit=2)
    await task_queue.complete(pool, done)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await task_queue.reschedule(pool, failed, "503 from\x00 far away", tomorrow)
    assert await _names(pool) == []
    assert await task_queue.count_due(pool, ["likes"]) == (0, tomorrow)
    await task_queue.enqueue(pool, "user", [A, B], "likes")
    assert await _names(pool) == []
    for urn in (A, B):
        await task_queue.enqueue_now(pool, "user", urn, "likes")
    assert sorted(await _names(pool, limit=2)) == [A, B]


async def test_dropped_requests_are_gone(pool: Pool) -> None:
    await task_queue.enqueue(pool, "user", [A], "likes")
    await task_queue.enqueue(pool, "user", [A], "profile")
    await task_queue.remove(pool, "user", A)
    assert await task_queue.count_due(pool, ["likes", "profile"]) == (0, None)


async def test_the_channel_is_notified_of_new_tasks(pool: Pool) -> None:
    notifications: asyncio.Queue[str] = asyncio.Queue()
    async with pool.acquire() as connection:
        await connection.add_listener(task_queue.CHANNEL, lambda *args: notifications.put_nowait(str(args[-1])))
        await task_queue.enqueue_now(pool, "track", "file:track:1", "add")
        assert await asyncio.wait_for(notifications.get(), scale(30)) == "add"
        await connection.reset(timeout=scale(30))
