"""Uploaded recordings: embedded, passed on, and gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.errors import DecoderCrashed
from soundalike.db import track_states, uploads
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


async def upload_recording(bench: Bench, message_of: Callable[..., str], data: bytes) -> str:
    upload = uploads.new_id()
    await uploads.create(bench.pool, upload)
    await bench.store.put(upload_key(upload), data, "application/octet-stream")
    await bench.queue.send(message_of(upload_key(upload)))
    return upload


async def traces(bench: Bench) -> tuple[int, int, int]:
    """Objects, messages and tracks that there are."""
    known = sum((await track_states.count_by_state(bench.pool)).values())
    return len(bench.store.objects), (await bench.queue.depth()).total, known


async def test_an_upload_is_embedded_for_whoever_waits_and_leaves_no_trace(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    upload = await upload_recording(bench, message_of, b"music")
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    analysis = await uploads.pop_result(bench.pool, upload)
    assert isinstance(analysis, Analysis)
    assert (analysis.model, analysis.vector[0]) == (MODEL.model, len(b"music"))
    assert analysis.tag_probabilities is not None
    assert len(analysis.tag_probabilities) == 50
    assert bench.worker.outcomes == {"compared": 1}


async def test_the_beginning_of_a_file_is_enough_of_an_upload(bench: Bench, message_of: Callable[..., str]) -> None:
    upload = await upload_recording(bench, message_of, b"beginning of a large file")
    await deliver(bench)
    assert isinstance(await uploads.pop_result(bench.pool, upload), Analysis)


@pytest.mark.parametrize(("data", "reason"), [(b"broken", "this is not audio"), (b"x" * 1001, "1001 bytes")])
async def test_an_upload_that_cannot_be_decoded_is_refused_with_the_reason(
    bench: Bench, message_of: Callable[..., str], data: bytes, reason: str
) -> None:
    upload = await upload_recording(bench, message_of, data)
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    outcome = await uploads.pop_result(bench.pool, upload)
    assert isinstance(outcome, Rejection)
    assert reason in outcome.reason


async def test_an_upload_that_nobody_waits_for_is_deleted(bench: Bench, message_of: Callable[..., str]) -> None:
    upload = await upload_recording(bench, message_of, b"music")
    await uploads.delete(bench.pool, upload)
    await deliver(bench)
    assert await traces(bench) == (0, 0, 0)
    assert bench.embedder.embedded == []


@pytest.mark.parametrize("failure", [StoreUnavailable("away"), DecoderCrashed("died")])
async def test_after_a_transient_failure_it_is_retried(
    bench: Bench, message_of: Callable[..., str], failure: Exception
) -> None:
    upload = await upload_recording(bench, message_of, b"music")
    bench.embedder.failures = [failure]
    await deliver(bench)
    assert await uploads.is_pending(bench.pool, upload)
    assert upload_key(upload) in bench.store.objects
    bench.clock.now += 60
    await deliver(bench)
    assert isinstance(await uploads.pop_result(bench.pool, upload), Analysis)
    assert await traces(bench) == (0, 0, 0)


async def test_a_second_message_finds_nothing_to_do(bench: Bench, message_of: Callable[..., str]) -> None:
    upload = await upload_recording(bench, message_of, b"music")
    await bench.queue.send(message_of(upload_key(upload)))
    await deliver(bench)
    assert len(bench.embedder.embedded) == 1
    assert isinstance(await uploads.pop_result(bench.pool, upload), Analysis)


async def test_another_name_below_queries_is_neither_a_track_nor_an_upload(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await bench.store.put("queries/else.mp3", b"music", "audio/mpeg")
    await bench.queue.send(message_of("queries/else.mp3"))
    await deliver(bench)
    assert bench.embedder.embedded == []
    assert (await traces(bench))[2] == 0


async def test_the_sweep_deletes_abandoned_uploads(bench: Bench, message_of: Callable[..., str]) -> None:
    old, young = uploads.new_id(), uploads.new_id()
    for upload in (old, young):
        await uploads.create(bench.pool, upload)
        await bench.store.put(upload_key(upload), b"music", "application/octet-stream")
    bench.store.objects[upload_key(old)] = (b"music", datetime.now(UTC) - timedelta(minutes=3))
    await bench.pool.execute("UPDATE queries SET created_at = now() - interval '3 minutes' WHERE id = $1", old)
    await bench.dead_letters.send(message_of(upload_key(old)))
    result = await sweep(bench.pool, bench.store, bench.queue, bench.dead_letters)
    assert (result.abandoned_uploads, result.requeued, result.lost, result.dead_letters) == (1, 0, 0, 0)
    assert list(bench.store.objects) == [upload_key(young)]
    assert await uploads.is_pending(bench.pool, young)
    assert not await uploads.is_pending(bench.pool, old)
    assert (await bench.dead_letters.depth()).total == 0


async def test_the_sweep_folds_names_that_were_written_without_folding(bench: Bench) -> None:
    await bench.pool.execute("INSERT INTO tracks (urn, source, title) VALUES ('deezer:track:5', 'deezer', 'Näme')")
    assert (await sweep(bench.pool, bench.store, bench.queue, bench.dead_letters)).folded_names == 1
    assert (
        await bench.pool.fetchval("SELECT title FROM track_names WHERE urn = $1", TrackId("deezer", "5").urn) == "name"
    )
