from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from soundalike.db import dead_letters, losses, task_queue, track_requests, track_states, tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.errors import QueueUnavailable
from soundalike.extractor.sweep import SweepResult, sweep
from soundalike.storage.message_queue import MemoryQueue

from .conftest import KEY, TRACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench


async def run_sweep(bench: Bench) -> SweepResult:
    return await sweep(bench.pool, bench.store, bench.queue, bench.dead_letters)


async def test_a_preview_without_a_message_gets_one(bench: Bench) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    assert await run_sweep(bench) == SweepResult(requeued=1, lost=0, dead_letters=0)
    (message,) = await bench.queue.receive(limit=10, wait_s=0)
    await bench.worker.handle(message)
    assert (await track_states.count_by_state(bench.pool))[State.READY] == 1
    assert await run_sweep(bench) == SweepResult(0, 0, 0)


async def test_while_messages_wait_young_previews_are_left_alone(bench: Bench) -> None:
    await bench.queue.send("something waits")
    await bench.store.put(KEY, b"music", "audio/mpeg")
    assert (await run_sweep(bench)).requeued == 0
    bench.store.objects[KEY] = (b"music", datetime.now(UTC) - timedelta(hours=1))
    assert (await run_sweep(bench)).requeued == 1


async def test_a_queued_track_without_a_preview_is_pending_again(bench: Bench) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    present = TrackId("deezer", "2")
    await tracks.ensure(bench.pool, present)
    await tracks.mark_queued(bench.pool, present, provider="p", method="m")
    await bench.store.put("previews/deezer/2.mp3", b"music", "audio/mpeg")
    assert (await run_sweep(bench)).lost == 1
    status = await tracks.status(bench.pool, TRACK)
    assert status is not None
    assert (status.state, "next crawl" in str(status.reason)) == (State.PENDING, True)
    (loss,) = await losses.recent(bench.pool, timedelta(hours=1))
    assert (loss.kind, loss.count) == ("previews", 1)


async def test_a_requested_track_whose_preview_is_lost_is_fetched_again_after_a_minute(bench: Bench) -> None:
    never_requested = TrackId("deezer", "2")
    await track_requests.request_track(bench.pool, TRACK)
    (task,) = await task_queue.lease(bench.pool, [track_requests.TASK], limit=9)
    for track in (TRACK, never_requested):
        await tracks.ensure(bench.pool, track)
        await tracks.mark_queued(bench.pool, track, provider="p", method="m")
    await task_queue.complete(bench.pool, task)
    assert await task_queue.lease(bench.pool, [track_requests.TASK], limit=9) == []
    assert (await run_sweep(bench)).lost == 2
    due, next_due = await task_queue.count_due(bench.pool, [track_requests.TASK])
    assert due == 0
    assert next_due is not None
    assert timedelta() < next_due - datetime.now(UTC) <= timedelta(minutes=1)


async def test_dead_letters_are_noted_on_their_tracks_and_not_queued_again(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.dead_letters.send(message_of(KEY))
    await bench.dead_letters.send("what is this")
    assert await run_sweep(bench) == SweepResult(requeued=0, lost=0, dead_letters=1)
    status = await tracks.status(bench.pool, TRACK)
    assert status is not None
    assert status.state is State.QUEUED
    assert "dead-letter" in str(status.reason)


async def test_a_retry_sends_dead_letters_back(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.dead_letters.send(message_of(KEY))
    await run_sweep(bench)
    assert await dead_letters.count(bench.pool) == 1
    assert await dead_letters.retry(bench.pool, bench.queue, bench.dead_letters) == 1
    assert await dead_letters.count(bench.pool) == 0
    assert (await bench.dead_letters.depth()).total == 0
    (message,) = await bench.queue.receive(limit=10, wait_s=0)
    assert message.body == message_of(KEY)


async def test_a_retry_of_one_leaves_the_others_where_they_are(bench: Bench, message_of: Callable[..., str]) -> None:
    for number in range(25):
        await bench.dead_letters.send(message_of(f"previews/deezer/{number + 1}.mp3"))
    await run_sweep(bench)
    letters = await dead_letters.newest(bench.pool, limit=50)
    assert len(letters) == 25
    # The sweep has put back what it looked at.
    assert (await bench.dead_letters.depth()).visible == 25
    assert await dead_letters.retry(bench.pool, bench.queue, bench.dead_letters, [letters[7].id, "nobody"]) == 1
    (message,) = await bench.queue.receive(limit=10, wait_s=0)
    assert message.body == message_of(f"previews/{str(letters[7].urn).replace(':track:', '/')}.mp3")
    assert (await bench.dead_letters.depth()).visible == await dead_letters.count(bench.pool) == 24


@pytest.mark.parametrize("place", ["send", "delete"])
async def test_a_letter_is_not_lost_where_a_retry_fails(
    bench: Bench, message_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    await bench.dead_letters.send(message_of(KEY))

    async def fail(*_: object) -> None:
        raise QueueUnavailable("away")

    monkeypatch.setattr(MemoryQueue, place, fail)
    with pytest.raises(QueueUnavailable):
        await dead_letters.retry(bench.pool, bench.queue, bench.dead_letters)
    monkeypatch.undo()
    bench.clock.now += 10_000
    assert (await bench.dead_letters.depth()).total == 1


async def test_a_letter_that_is_no_event_has_its_reason_and_goes_with_the_queue(bench: Bench) -> None:
    await bench.dead_letters.send("what is this")
    await run_sweep(bench)
    (letter,) = await dead_letters.newest(bench.pool, limit=9)
    assert letter.urn is None
    assert letter.reason == "the message is not an S3 event (1 mismatches)"
    await bench.pool.execute("UPDATE dead_letters SET seen_at = now() - interval '1 minute'")
    await run_sweep(bench)
    assert await dead_letters.count(bench.pool) == 1
    for message in await bench.dead_letters.receive(limit=10, wait_s=0):
        await bench.dead_letters.delete(message)
    await bench.pool.execute("UPDATE dead_letters SET seen_at = now() - interval '1 minute'")
    await run_sweep(bench)
    assert await dead_letters.count(bench.pool) == 0


async def test_foreign_objects_are_left_alone(bench: Bench) -> None:
    await bench.store.put("previews/readme.txt", b"x", "text/plain")
    assert await run_sweep(bench) == SweepResult(0, 0, 0)
    assert "previews/readme.txt" in bench.store.objects


async def test_a_dead_letter_about_another_bucket_says_nothing_about_our_preview(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.dead_letters.send(message_of(KEY, bucket="somebody-elses"))
    await bench.dead_letters.send(message_of("queries/" + "0" * 32 + ".audio", bucket="somebody-elses"))
    assert await run_sweep(bench) == SweepResult(requeued=1, lost=0, dead_letters=0)
    status = await tracks.status(bench.pool, TRACK)
    assert status is not None
    assert status.reason is None
    assert (await bench.dead_letters.depth()).total == 2


async def test_the_message_of_the_sweep_names_the_bucket(bench: Bench) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await run_sweep(bench)
    (message,) = await bench.queue.receive(limit=10, wait_s=0)
    assert json.loads(message.body)["Records"][0]["s3"]["bucket"] == {"name": bench.store.bucket}
