"""Recordings that somebody compares once: heard, told, and gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.errors import DecoderCrashed
from soundalike.db import tracks, uploads
from soundalike.db.uploads import Analysis, Rejection
from soundalike.domain.track_id import TrackId
from soundalike.errors import StoreUnavailable
from soundalike.extractor.sweep import sweep
from soundalike.storage.object_keys import upload_key

from .conftest import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench


async def deliver(bench: Bench) -> None:
    for message in await bench.queue.receive(limit=10, wait_s=0):
        await bench.worker.handle(message)


async def ask(bench: Bench, message_of: Callable[..., str], data: bytes) -> str:
    query = uploads.new_id()
    await uploads.create(bench.pool, query)
    await bench.store.put(upload_key(query), data, "application/octet-stream")
    await bench.queue.send(message_of(upload_key(query)))
    return query


async def traces(bench: Bench) -> tuple[int, int, int]:
    """Objects, messages and tracks that there are."""
    known = sum((await tracks.count_by_state(bench.pool)).values())
    return len(bench.store.objects), (await bench.queue.depth()).total, known


async def test_a_recording_is_heard_for_whoever_waits_and_leaves_no_trace(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    query = await ask(bench, message_of, b"music")
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    sound = await uploads.pop_result(bench.pool, query)
    assert isinstance(sound, Analysis)
    assert (sound.model, sound.vector[0]) == (MODEL.model, len(b"music"))
    assert sound.tag_probabilities is not None
    assert len(sound.tag_probabilities) == 50
    assert bench.worker.outcomes == {"compared": 1}


@pytest.mark.parametrize(("data", "reason"), [(b"broken", "this is no audio"), (b"x" * 1001, "1001 bytes")])
async def test_what_cannot_be_heard_is_refused_with_the_reason(
    bench: Bench, message_of: Callable[..., str], data: bytes, reason: str
) -> None:
    query = await ask(bench, message_of, data)
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    outcome = await uploads.pop_result(bench.pool, query)
    assert isinstance(outcome, Rejection)
    assert reason in outcome.reason


async def test_what_nobody_waits_for_is_deleted_unheard(bench: Bench, message_of: Callable[..., str]) -> None:
    query = await ask(bench, message_of, b"music")
    await uploads.delete(bench.pool, query)
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    assert bench.listener.heard == []


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), DecoderCrashed("died")])
async def test_after_a_failure_that_may_pass_it_is_tried_again(
    bench: Bench, message_of: Callable[..., str], failure: Exception
) -> None:
    query = await ask(bench, message_of, b"music")
    bench.listener.failures = [failure]
    await deliver(bench)
    assert await uploads.is_pending(bench.pool, query)
    assert upload_key(query) in bench.store.objects
    bench.clock.now += 60
    await deliver(bench)
    assert isinstance(await uploads.pop_result(bench.pool, query), Analysis)
    assert await traces(bench) == (0, 0, 0)


async def test_a_second_message_finds_nothing_to_do(bench: Bench, message_of: Callable[..., str]) -> None:
    query = await ask(bench, message_of, b"music")
    await bench.queue.send(message_of(upload_key(query)))
    await deliver(bench)
    assert len(bench.listener.heard) == 1
    assert isinstance(await uploads.pop_result(bench.pool, query), Analysis)


async def test_another_name_below_queries_is_no_track_and_no_query(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await bench.store.put("queries/else.mp3", b"music", "audio/mpeg")
    await bench.queue.send(message_of("queries/else.mp3"))
    await deliver(bench)
    assert bench.listener.heard == []
    assert (await traces(bench))[2] == 0


async def test_the_sweep_deletes_what_was_left_behind(bench: Bench, message_of: Callable[..., str]) -> None:
    old, young = uploads.new_id(), uploads.new_id()
    for query in (old, young):
        await uploads.create(bench.pool, query)
        await bench.store.put(upload_key(query), b"music", "application/octet-stream")
    bench.store.objects[upload_key(old)] = (b"music", datetime.now(UTC) - timedelta(minutes=3))
    await bench.pool.execute("UPDATE queries SET created_at = now() - interval '3 minutes' WHERE id = $1", old)
    await bench.dead_letters.send(message_of(upload_key(old)))
    swept = await sweep(bench.pool, bench.store, bench.queue, bench.dead_letters)
    assert (swept.left_behind, swept.requeued, swept.lost, swept.dead) == (1, 0, 0, 0)
    assert list(bench.store.objects) == [upload_key(young)]
    assert await uploads.is_pending(bench.pool, young)
    assert not await uploads.is_pending(bench.pool, old)
    assert (await bench.dead_letters.depth()).total == 0


async def test_the_sweep_folds_names_that_came_by_another_way(bench: Bench) -> None:
    await bench.pool.execute("INSERT INTO tracks (urn, source, title) VALUES ('deezer:track:5', 'deezer', 'Näme')")
    assert (await sweep(bench.pool, bench.store, bench.queue, bench.dead_letters)).named == 1
    assert (
        await bench.pool.fetchval("SELECT title FROM track_names WHERE urn = $1", TrackId("deezer", "5").urn) == "name"
    )
