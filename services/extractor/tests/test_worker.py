from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.errors import DecoderCrashed, InternalDecoderError
from soundalike.db import analyses, dead_letters, embeddings, losses, track_states, tracks
from soundalike.db.track_details import details
from soundalike.db.tracks import State
from soundalike.errors import QueueUnavailable, StoreUnavailable
from soundalike.extractor.visibility_extender import MAX_EXTENSIONS, extend_visibility
from soundalike.extractor.worker import RETRY_BACKOFF
from soundalike.testing.wait import eventually

from .conftest import KEY, MODEL, TRACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.storage.message_queue import Message

    from .conftest import Bench

OTHER_KEY = "previews/deezer/2.mp3"


async def deliver(bench: Bench) -> None:
    """Hand every visible message to the worker, once."""
    for message in await bench.queue.receive(limit=10, wait_s=0):
        await bench.worker.handle(message)


async def status_of(bench: Bench) -> tuple[State, str | None]:
    status = await tracks.status(bench.pool, TRACK)
    assert status is not None
    return status.state, status.reason


async def test_a_preview_becomes_a_vector_and_its_audio_goes(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY, sequencer="01"))
    await deliver(bench)
    vector = (await embeddings.vectors_of(bench.pool, [TRACK.urn], MODEL.model)).get(TRACK.urn)
    assert vector is not None
    assert vector[0] == len(b"music")
    track = await details(bench.pool, TRACK.urn)
    assert track is not None
    assert track.tags == ("jazz",)
    assert await status_of(bench) == (State.READY, None)
    assert bench.store.objects == {}
    assert (await bench.queue.depth()).total == 0


async def test_the_test_event_is_deleted(bench: Bench) -> None:
    await bench.queue.send('{"Service":"Amazon S3","Event":"s3:TestEvent"}')
    await deliver(bench)
    assert (await bench.queue.depth()).total == 0
    assert bench.queue.dead_letters == []


async def test_a_message_that_is_no_event_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    await bench.queue.send('{"hello": 1}')
    for _ in range(bench.queue.max_receives + 1):
        await deliver(bench)
        bench.clock.now += 10_000
    assert bench.queue.dead_letters == ['{"hello": 1}']


async def test_a_duplicate_event_changes_nothing(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    for _ in range(3):
        await bench.queue.send(message_of(KEY, sequencer="01"))
    await deliver(bench)
    assert len(bench.embedder.embedded) == 1
    assert await status_of(bench) == (State.READY, None)
    assert bench.worker.outcomes == {"ready": 1, "known": 2}


async def test_an_older_event_after_a_newer_one_does_not_win(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"newer", "audio/mpeg")
    await bench.queue.send(message_of(KEY, sequencer="02"))
    await deliver(bench)
    await bench.store.put(KEY, b"old", "audio/mpeg")
    await bench.queue.send(message_of(KEY, sequencer="01"))
    await deliver(bench)
    vector = (await embeddings.vectors_of(bench.pool, [TRACK.urn], MODEL.model)).get(TRACK.urn)
    assert vector is not None
    assert vector[0] == len(b"newer")
    assert bench.store.objects == {}


async def test_two_records_one_bad(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"broken", "audio/mpeg")
    await bench.store.put(OTHER_KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY, OTHER_KEY))
    await deliver(bench)
    assert await status_of(bench) == (State.REJECTED, "this is not audio")
    assert bench.worker.outcomes == {"rejected": 1, "ready": 1}
    assert bench.store.objects == {}
    assert (await bench.queue.depth()).total == 0


async def test_too_large_a_preview_is_rejected_with_its_size(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"x" * 1001, "audio/mpeg")
    await bench.queue.send(message_of(KEY))
    await deliver(bench)
    state, reason = await status_of(bench)
    assert state is State.REJECTED
    assert "1001 bytes" in str(reason)
    assert bench.store.objects == {}


async def test_a_preview_that_is_gone_makes_the_track_pending(bench: Bench, message_of: Callable[..., str]) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    await bench.queue.send(message_of(KEY))
    await deliver(bench)
    state, reason = await status_of(bench)
    assert state is State.PENDING
    assert "next crawl" in str(reason)
    (loss,) = await losses.recent(bench.pool, timedelta(hours=1))
    assert (loss.kind, loss.count) == ("previews", 1)
    assert (await bench.queue.depth()).total == 0


async def rows_of(bench: Bench) -> list[str]:
    return [row["urn"] for row in await bench.pool.fetch("SELECT urn FROM tracks")]


async def exhaust(bench: Bench) -> None:
    for _ in range(bench.queue.max_receives + 1):
        await deliver(bench)
        bench.clock.now += 10_000


async def test_a_message_about_an_object_that_is_not_there_makes_no_row(
    bench: Bench, message_of: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    await bench.queue.send(message_of(KEY, OTHER_KEY))
    with caplog.at_level("WARNING"):
        await deliver(bench)
    assert await rows_of(bench) == []
    assert bench.worker.outcomes == {"gone": 2}
    assert (await bench.queue.depth()).total == 0
    assert f"{TRACK} is not in the catalogue" in caplog.text


async def test_a_store_that_is_away_makes_no_row_either(
    bench: Bench, message_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("S3 is away")

    monkeypatch.setattr(bench.store, "get", away)
    await bench.queue.send(message_of(KEY))
    await deliver(bench)
    assert await rows_of(bench) == []
    assert (await bench.queue.depth()).total == 1


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_message_about_another_bucket_touches_nothing_and_ends_in_the_dead_letter_queue(
    bench: Bench, message_of: Callable[..., str], wrapped: bool
) -> None:
    upload = "queries/" + "0" * 32 + ".audio"
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.store.put(upload, b"music", "audio/mpeg")
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    body = message_of(KEY, OTHER_KEY, upload, bucket="somebody-elses")
    await bench.queue.send(json.dumps({"Type": "Notification", "Message": body}) if wrapped else body)
    await exhaust(bench)
    assert len(bench.queue.dead_letters) == 1
    assert bench.embedder.embedded == []
    assert set(bench.store.objects) == {KEY, upload}
    assert await rows_of(bench) == [TRACK.urn]
    # Its own message is still to come.
    assert await status_of(bench) == (State.QUEUED, None)


async def test_one_record_of_another_bucket_is_enough(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    records = [json.loads(message_of(KEY, bucket=name))["Records"][0] for name in ("memory", "somebody-elses")]
    await bench.queue.send(json.dumps({"Records": records}))
    await exhaust(bench)
    assert len(bench.queue.dead_letters) == 1
    assert await rows_of(bench) == []


async def test_our_bucket_by_name_is_ours(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY, bucket=bench.store.bucket))
    await deliver(bench)
    assert await status_of(bench) == (State.READY, None)


@pytest.mark.parametrize(
    "key",
    [
        "previews/deezer/x.mp3", "previews/deezer/1", "previews/deezer/1.mp3/", "previews/deezer/1/2.mp3", "1.mp3",
        "previews/napster/1.mp3", "previews/deezer/%2e%2e/1.mp3", "previews/deezer/1.mp3%00", "indexes/m/v/index.ann",
        "queries/short.audio", "previews/deezer/%D9%A1.mp3", "previews/deezer/1%0a.mp3", "PREVIEWS/deezer/1.mp3", "",
    ],
)  # fmt: skip
async def test_a_key_of_another_form_makes_no_row_and_holds_up_no_other(
    bench: Bench, message_of: Callable[..., str], key: str
) -> None:
    await bench.store.put(OTHER_KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(key, OTHER_KEY))
    await exhaust(bench)
    assert len(bench.queue.dead_letters) == 1
    assert await rows_of(bench) == ["deezer:track:2"]
    assert bench.store.objects == {}


async def test_a_preview_of_a_track_that_the_catalogue_does_not_know_makes_a_row(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY))
    await deliver(bench)
    assert await rows_of(bench) == [TRACK.urn]


async def test_a_forgotten_track_is_not_embedded_and_its_audio_goes(
    bench: Bench, message_of: Callable[..., str]
) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await bench.pool.execute("UPDATE tracks SET state = 'forgotten'")
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY))
    await deliver(bench)
    assert bench.embedder.embedded == []
    assert bench.store.objects == {}


@pytest.mark.parametrize(
    "failure",
    [StoreUnavailable("S3 is away"), DecoderCrashed("the decoder died"),
     InternalDecoderError("no codec"), ConnectionRefusedError("no database"),
     ZeroDivisionError("unexpected")],
)  # fmt: skip
async def test_a_transient_failure_deletes_nothing_and_is_tried_again(
    bench: Bench, message_of: Callable[..., str], failure: Exception
) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY))
    bench.embedder.failures = [failure]
    await deliver(bench)
    assert KEY in bench.store.objects
    state, reason = await status_of(bench)
    assert state is State.PENDING
    assert str(failure) in str(reason)
    await deliver(bench)
    assert bench.embedder.embedded == []  # hidden for its backoff
    bench.clock.now += 60
    await deliver(bench)
    assert await status_of(bench) == (State.READY, None)
    assert (await bench.queue.depth()).total == 0


async def test_after_the_last_attempt_the_track_says_so(bench: Bench, message_of: Callable[..., str]) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY))
    bench.embedder.failures = [StoreUnavailable("away")] * 5
    for _ in range(6):
        await deliver(bench)
        bench.clock.now += 10_000
    assert len(bench.queue.dead_letters) == 1
    assert "dead-letter" in str((await status_of(bench))[1])
    assert KEY in bench.store.objects


async def test_when_deleting_the_message_fails_the_second_delivery_is_no_work(
    bench: Bench, message_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.store.put(KEY, b"music", "audio/mpeg")
    await bench.queue.send(message_of(KEY, sequencer="01"))
    delete = type(bench.queue).delete

    async def fail(self: object, message: Message) -> None:
        monkeypatch.setattr(type(bench.queue), "delete", delete)
        raise QueueUnavailable("away")

    monkeypatch.setattr(type(bench.queue), "delete", fail)
    await deliver(bench)
    assert await status_of(bench) == (State.READY, None)
    bench.clock.now += 60
    await deliver(bench)
    assert len(bench.embedder.embedded) == 1
    assert (await bench.queue.depth()).total == 0


async def test_stopping_finishes_what_is_under_way_and_hands_back_the_rest(
    bench: Bench, message_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, started, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    embed = bench.embedder.embed

    async def slow(data: bytes) -> object:
        started.set()
        await go_on.wait()
        return await embed(data)

    monkeypatch.setattr(bench.embedder, "embed", slow)
    for n in range(1, 6):
        await bench.store.put(f"previews/deezer/{n}.mp3", b"music", "audio/mpeg")
        await bench.queue.send(message_of(f"previews/deezer/{n}.mp3"))
    running = asyncio.create_task(bench.worker.run(stop))
    await started.wait()
    stop.set()
    go_on.set()
    await running
    ready = (await track_states.count_by_state(bench.pool))[State.READY]
    assert 1 <= ready <= 2
    depth = await bench.queue.depth()
    assert (depth.visible, depth.in_flight) == (5 - ready, 0)


async def test_messages_received_while_stopping_go_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()
    await bench.queue.send("anything")
    receive = bench.queue.receive

    async def late(_self: object, *, limit: int, wait_s: int) -> list[Message]:
        received = await receive(limit=limit, wait_s=wait_s)
        stop.set()
        return received

    monkeypatch.setattr(type(bench.queue), "receive", late)
    await bench.worker.run(stop)
    assert (await bench.queue.depth()).visible == 1
    assert not bench.worker.outcomes


async def test_an_absent_queue_does_not_end_the_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = asyncio.Event()
    calls = 0

    async def away(self: object, *, limit: int, wait_s: int) -> list[Message]:
        nonlocal calls
        calls += 1
        if calls == 3:
            stop.set()
        raise QueueUnavailable("away")

    async def at_once(_seconds: float) -> None:
        return

    monkeypatch.setattr(type(bench.queue), "receive", away)
    monkeypatch.setattr("soundalike.extractor.worker.asyncio.sleep", at_once)
    await bench.worker.run(stop)
    assert calls == 3


async def test_visibility_is_extended_until_the_work_ends(bench: Bench) -> None:
    await bench.queue.send("x")
    (message,) = await bench.queue.receive(limit=1, wait_s=0)
    ticks: asyncio.Queue[None] = asyncio.Queue()
    started = 0

    async def tick(seconds: float) -> None:
        nonlocal started
        started += 1
        assert seconds == pytest.approx(40)
        await ticks.get()
        bench.clock.now += seconds

    async with extend_visibility(bench.queue, message, visibility_s=120, sleep=tick):
        for number in range(6):  # 240 s, twice the visibility
            ticks.put_nowait(None)
            await eventually(lambda number=number: started == number + 2)
        assert await bench.queue.receive(limit=1, wait_s=0) == []
    bench.clock.now += 121
    assert len(await bench.queue.receive(limit=1, wait_s=0)) == 1


async def test_a_hung_job_loses_its_message_in_the_end(bench: Bench) -> None:
    await bench.queue.send("x")
    (message,) = await bench.queue.receive(limit=1, wait_s=0)
    extensions = 0

    async def tick(seconds: float) -> None:
        nonlocal extensions
        extensions += 1
        await asyncio.sleep(0)

    async with extend_visibility(bench.queue, message, visibility_s=120, sleep=tick):
        for _ in range(MAX_EXTENSIONS * 5):
            await asyncio.sleep(0)
        bench.clock.now += 121
        assert len(await bench.queue.receive(limit=1, wait_s=0)) == 1
    assert extensions == MAX_EXTENSIONS


def test_backoff_doubles_is_jittered_and_bounded() -> None:
    assert [RETRY_BACKOFF.delay_s(n, 1.0) for n in (1, 2, 3, 20)] == [5, 10, 20, 600]
    assert RETRY_BACKOFF.delay_s(3, 0.0) == 10


async def test_a_message_that_is_given_up_leaves_its_reason(bench: Bench, message_of: Callable[..., str]) -> None:
    await tracks.ensure(bench.pool, TRACK)
    await tracks.mark_queued(bench.pool, TRACK, provider="p", method="m")
    await bench.store.put(KEY, b"music", "audio/mpeg")
    bench.embedder.failures = [DecoderCrashed("signal 11")] * bench.queue.max_receives
    await bench.queue.send(message_of(KEY))
    await bench.queue.send("no event")
    for attempt in range(bench.queue.max_receives):
        assert await dead_letters.count(bench.pool) == 0, attempt
        await deliver(bench)
        bench.clock.now += 10_000
    letters = {letter.urn: letter for letter in await dead_letters.newest(bench.pool, limit=9)}
    assert set(letters) == {TRACK.urn, None}
    assert (letters[TRACK.urn].reason, letters[TRACK.urn].attempts) == ("signal 11", 5)
    assert "not an S3 event" in letters[None].reason


async def test_what_is_analysed_right_now_is_told(bench: Bench, message_of: Callable[..., str]) -> None:
    seen: list[str] = []
    embed = bench.embedder.embed

    async def look(data: bytes) -> object:
        seen.extend(analysis.urn for analysis in await analyses.active(bench.pool, limit=9))
        return await embed(data)

    bench.embedder.embed = look  # type: ignore[method-assign]
    for content in (b"music", b"broken"):
        await bench.store.put(KEY, content, "audio/mpeg")
        await bench.queue.send(message_of(KEY))
        await deliver(bench)
    assert seen == [TRACK.urn] * 2
    assert await analyses.active(bench.pool, limit=9) == []
