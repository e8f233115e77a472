"""Asking for tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import erasure, task_queue, tracks
from soundalike.db.track_requests import REASON, TASK, NotFetchable, request_track
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

ID = TrackId("deezer", "7")
FILE = TrackId("file", "0" * 64)


async def errands(pool: Pool) -> list[str]:
    return [task.urn for task in await task_queue.lease(pool, [TASK], limit=10)]


async def test_an_unknown_track_gets_a_row_and_a_task(pool: Pool) -> None:
    assert await request_track(pool, ID) == (State.PENDING, REASON)
    stored = await tracks.get(pool, ID)
    assert stored is not None
    assert (stored.state, stored.reason, stored.track) == (State.PENDING, REASON, Track(ID, ""))
    assert await errands(pool) == [ID.urn]


async def test_another_request_makes_the_task_due_again_and_never_two(pool: Pool) -> None:
    await request_track(pool, ID)
    (task,) = await task_queue.lease(pool, [TASK])
    await task_queue.reschedule(pool, task, "nobody has it", None)
    assert await request_track(pool, ID) == (State.PENDING, REASON)
    assert await errands(pool) == [ID.urn]


@pytest.mark.parametrize(("state", "shown"), [("no_preview", State.PENDING), ("rejected", State.PENDING)])
async def test_what_failed_is_tried_again(pool: Pool, state: str, shown: State) -> None:
    await tracks.upsert(pool, Track(ID, "Known"))
    await pool.execute("UPDATE tracks SET state = $1, reason = 'silent'", state)
    assert await request_track(pool, ID) == (shown, REASON)
    assert await errands(pool) == [ID.urn]


@pytest.mark.parametrize("state", ["queued", "ready"])
async def test_what_is_on_its_way_or_there_stays_as_it_is(pool: Pool, state: str) -> None:
    await tracks.upsert(pool, Track(ID, "Known"))
    await pool.execute("UPDATE tracks SET state = $1", state)
    assert await request_track(pool, ID) == (State(state), None)
    assert await errands(pool) == []


async def test_what_was_forgotten_is_not_requested(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await erasure.forget_tracks(connection, [ID, FILE])
    assert (await request_track(pool, ID))[0] is State.FORGOTTEN
    assert (await request_track(pool, FILE))[0] is State.FORGOTTEN
    assert await errands(pool) == []


async def test_files_are_not_fetched(pool: Pool) -> None:
    with pytest.raises(NotFetchable, match="crawling its folder"):
        await request_track(pool, FILE)
    assert await tracks.get(pool, FILE) is None
    await tracks.upsert(pool, Track(FILE, "Mine"))
    with pytest.raises(NotFetchable):
        await request_track(pool, FILE)
    await pool.execute("UPDATE tracks SET state = 'ready'")
    assert await request_track(pool, FILE) == (State.READY, None)
