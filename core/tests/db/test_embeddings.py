from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import embeddings, erasure, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.db.track_details import details
from soundalike.db.tracks import State, Track
from soundalike.domain import tags
from soundalike.domain.track_id import TrackId
from soundalike.errors import PermanentError
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from soundalike.db.database import Pool

REAL = EmbeddingModel("real-1", 160)
OTHER = EmbeddingModel("real-2", 160)
ID = TrackId("deezer", "1")


def make_embedding(
    value: float, *, sequencer: str | None = "0A", key: str = "k", track: TrackId = ID, model: EmbeddingModel = REAL
) -> Embedding:
    vector = np.full(160, value, dtype=np.float32)
    return Embedding(track, model.model, vector, key, sequencer, "sha", 29.0)


@pytest.fixture
async def catalogue(pool: Pool) -> Pool:
    await register(pool, REAL)
    await tracks.ensure(pool, ID)
    return pool


async def register(pool: Pool, model: EmbeddingModel) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, model)


async def save(pool: Pool, embedding: Embedding) -> bool:
    async with pool.acquire() as connection:
        return await embeddings.save(connection, embedding)


async def value(pool: Pool) -> float:
    vector = (await embeddings.vectors_of(pool, [ID.urn], REAL.model)).get(ID.urn)
    assert vector is not None
    assert vector.dtype == np.float32
    assert vector.shape == (160,)
    return float(vector[0])


async def state(pool: Pool, track: TrackId = ID) -> State:
    status = await tracks.status(pool, track)
    assert status is not None
    return status.state


async def test_a_saved_vector_makes_its_track_ready(catalogue: Pool) -> None:
    assert not await embeddings.exists(catalogue, ID, REAL.model)
    assert await save(catalogue, make_embedding(0.25))
    assert await value(catalogue) == 0.25
    assert await state(catalogue) is State.READY


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ("0A", "0B", 2.0),
        ("0B", "0A", 1.0),
        ("0A", "0A", 1.0),
        ("0A", "0A1", 2.0),
        ("0A1", "0A", 1.0),
        ("0a", "0B", 2.0),
        ("FF", "0100", 1.0),
        (None, "0A", 2.0),
        ("0A", None, 2.0),
    ],
)
async def test_the_later_write_of_one_object_wins(
    catalogue: Pool, first: str | None, second: str | None, winner: float
) -> None:
    await save(catalogue, make_embedding(1.0, sequencer=first))
    assert await save(catalogue, make_embedding(2.0, sequencer=second)) == (winner == 2.0)
    assert await value(catalogue) == winner


async def test_sequencers_of_two_objects_are_not_compared(catalogue: Pool) -> None:
    await save(catalogue, make_embedding(1.0, sequencer="0B", key="previews/deezer/1.mp3"))
    assert await save(catalogue, make_embedding(2.0, sequencer="0A", key="previews/deezer/1.m4a"))
    assert await value(catalogue) == 2.0


async def test_seq_grows_with_every_write_in_the_order_of_the_commits(catalogue: Pool) -> None:
    others = [TrackId("deezer", str(n)) for n in range(2, 30)]
    for track in others:
        await tracks.ensure(catalogue, track)
    seen: list[int] = []

    async def all_are_seen() -> bool:
        rows = await embeddings.newer_than(catalogue, REAL.model, seen[-1] if seen else 0)
        seen.extend(row.seq for row in rows)
        return len(seen) >= len(others)

    writes = (save(catalogue, make_embedding(1.0, track=track)) for track in others)
    await asyncio.gather(eventually(all_are_seen, interval_s=0), *writes)
    assert len(seen) == len(others)
    before = (await embeddings.extent(catalogue, REAL.model)).last_seq
    await save(catalogue, make_embedding(3.0, track=others[0], sequencer="FF"))
    (newest,) = await embeddings.newer_than(catalogue, REAL.model, before)
    assert (newest.urn, newest.seq > before) == (others[0].urn, True)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
async def test_a_vector_that_is_not_finite_is_refused(catalogue: Pool, bad: float) -> None:
    with pytest.raises(PermanentError, match="finite"):
        await save(catalogue, make_embedding(bad))
    assert await state(catalogue) is State.PENDING


async def tags_of(catalogue: Pool) -> tuple[str, ...]:
    track_details = await details(catalogue, ID.urn)
    assert track_details is not None
    return track_details.tags


async def test_tags_are_stored_with_the_vector_and_compared_with_the_mean(catalogue: Pool) -> None:
    assert await tags_of(catalogue) == ()
    probabilities = np.full(50, 0.01, np.float32)
    probabilities[tags.TAG_SLUGS.index("jazz")] = 0.5
    await save(catalogue, replace(make_embedding(1.0), tag_probabilities=probabilities))
    assert await tags_of(catalogue) == ()
    tagging = replace(REAL, mean_tag_probabilities=(0.02,) * 50)
    await register(catalogue, tagging)
    assert await tags_of(catalogue) == ("jazz",)
    current = await models.current(catalogue)
    assert current is not None
    assert current.mean_tag_probabilities == pytest.approx(tagging.mean_tag_probabilities)
    # A later write replaces the tags together with the vector.
    await save(catalogue, make_embedding(2.0, sequencer="0B"))
    assert await tags_of(catalogue) == ()


@pytest.mark.parametrize("bad", [np.full(50, 1.5), np.full(50, np.nan), np.full(49, 0.5)])
async def test_what_is_no_probability_of_each_tag_is_refused(catalogue: Pool, bad: np.ndarray) -> None:
    with pytest.raises(PermanentError, match="50 numbers between 0 and 1"):
        await save(catalogue, replace(make_embedding(1.0), tag_probabilities=bad.astype(np.float32)))
    assert await state(catalogue) is State.PENDING


async def test_a_forgotten_track_takes_no_vector(catalogue: Pool) -> None:
    await catalogue.execute("UPDATE tracks SET state = 'forgotten'")
    assert not await save(catalogue, make_embedding(1.0))
    assert not await embeddings.exists(catalogue, ID, REAL.model)


async def test_the_channel_is_notified_at_the_commit(catalogue: Pool) -> None:
    notifications: asyncio.Queue[str] = asyncio.Queue()
    async with catalogue.acquire() as connection:
        await connection.add_listener(embeddings.CHANNEL, lambda *a: notifications.put_nowait(str(a[-1])))
        await save(catalogue, make_embedding(1.0))
        assert await asyncio.wait_for(notifications.get(), scale(30)) == REAL.model
        await connection.reset(timeout=scale(30))


async def test_another_model_owes_every_track_again_and_going_back_does_not(catalogue: Pool) -> None:
    await save(catalogue, make_embedding(1.0))
    await register(catalogue, OTHER)
    assert await models.current(catalogue) == OTHER
    assert await state(catalogue) is State.PENDING
    status = await tracks.status(catalogue, ID)
    assert status is not None
    assert not status.has_embedding
    # An extractor of the old model that is still running changes nothing.
    await save(catalogue, make_embedding(2.0, sequencer="0B"))
    assert await state(catalogue) is State.PENDING
    await register(catalogue, REAL)
    assert await state(catalogue) is State.READY


@pytest.mark.parametrize(
    ("source", "duration_ms", "is_adopted"),
    [("deezer", 200_000, True), ("file", 60_000, True), ("file", 60_001, False), ("file", None, False)],
)
async def test_a_model_takes_over_what_its_predecessor_computes_the_same(
    catalogue: Pool, source: str, duration_ms: int | None, *, is_adopted: bool
) -> None:
    track = TrackId(source, "7" if source == "deezer" else 64 * "7")
    await tracks.upsert(catalogue, Track(track, "a track", duration_ms=duration_ms))
    await save(catalogue, make_embedding(1.0, track=track))
    seq = await catalogue.fetchval("SELECT max(seq) FROM embeddings")
    async with catalogue.acquire() as connection:
        await models.register(connection, OTHER, predecessor=REAL.model)
    stored = await embeddings.vectors_of(catalogue, [track.urn], OTHER.model)
    assert [vector.tolist() for vector in stored.values()] == ([160 * [1.0]] if is_adopted else [])
    status = await tracks.status(catalogue, track)
    assert status is not None
    assert status.state is (State.READY if is_adopted else State.PENDING)
    assert len(await embeddings.newer_than(catalogue, OTHER.model, seq)) == is_adopted
    assert await embeddings.exists(catalogue, track, REAL.model)


async def copied(db: Pool, model: str, dimensions: int = 160) -> tuple[embeddings.Extent, dict[str, np.ndarray]]:
    by_urn: dict[str, np.ndarray] = {}

    def collect(names: np.ndarray, vectors: np.ndarray) -> None:
        for name, vector in zip(names.tolist(), vectors, strict=True):
            assert name.rstrip().decode() not in by_urn
            by_urn[name.rstrip().decode()] = vector

    async with db.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        extent = await embeddings.extent(connection, model)
        await embeddings.copy_vectors(connection, model, extent, dimensions, collect)
    return extent, by_urn


async def test_the_tail_is_measured(catalogue: Pool) -> None:
    assert await embeddings.tail_size(catalogue, REAL.model, 0) == embeddings.TailSize(0, None)
    await save(catalogue, make_embedding(0.5))
    measured = await embeddings.tail_size(catalogue, REAL.model, 0)
    assert measured.count == 1
    assert measured.oldest_s is not None


async def test_the_newest_are_listed_as_far_as_they_are_ready(catalogue: Pool) -> None:
    first, second, third = (TrackId("deezer", str(number)) for number in (5, 3, 4))
    for track in (first, second, third):
        await tracks.ensure(catalogue, track)
        await save(catalogue, make_embedding(1.0, track=track))
    assert await embeddings.newest(catalogue, REAL.model, limit=2) == [third.urn, second.urn]
    await catalogue.execute("UPDATE tracks SET state = 'gone' WHERE urn = $1", third.urn)
    assert await embeddings.newest(catalogue, REAL.model, limit=2) == [second.urn, first.urn]
    assert await embeddings.newest(catalogue, OTHER.model, limit=2) == []


async def test_everything_is_copied_bit_for_bit(catalogue: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.db.pg_copy._BUFFER_BYTES", 2_000)  # several pieces, cut anywhere
    expected = {}
    for number in range(2, 60):
        track = TrackId("deezer", str(number**5))
        await tracks.ensure(catalogue, track)
        expected[track.urn] = np.random.default_rng(number).normal(size=160).astype(np.float32)
        await save(catalogue, replace(make_embedding(0.0, track=track), vector=expected[track.urn]))
    extent, vectors = await copied(catalogue, REAL.model)
    assert (extent.count, extent.urn_bytes) == (58, max(map(len, expected)))
    assert vectors.keys() == expected.keys()
    for urn, vector in expected.items():
        np.testing.assert_array_equal(vectors[urn], vector)


async def test_a_copy_of_nothing_is_nothing(catalogue: Pool) -> None:
    assert await copied(catalogue, REAL.model) == (embeddings.Extent(0, 0, 0), {})


async def test_a_copy_of_vectors_of_another_length_is_refused(catalogue: Pool) -> None:
    await save(catalogue, make_embedding(0.5))
    with pytest.raises(PermanentError, match="another vector_bytes than"):
        await copied(catalogue, REAL.model, 159)


async def test_what_is_forgotten_is_deleted_notified_and_never_copied(catalogue: Pool) -> None:
    other = TrackId("deezer", "77")
    await tracks.ensure(catalogue, other)
    for track in (ID, other):
        await save(catalogue, make_embedding(0.5, track=track))
    notifications: asyncio.Queue[str] = asyncio.Queue()
    start = datetime.now(UTC) - timedelta(hours=1)
    assert await embeddings.oldest_forgotten_s(catalogue, start) is None
    async with catalogue.acquire() as listener, catalogue.acquire() as connection:
        await listener.add_listener(embeddings.CHANNEL, lambda *a: notifications.put_nowait(str(a[-1])))
        await erasure.forget_tracks(connection, [ID])
        assert await asyncio.wait_for(notifications.get(), scale(30)) == REAL.model
        await listener.reset(timeout=scale(30))
    assert await state(catalogue) is State.FORGOTTEN
    assert not await embeddings.exists(catalogue, ID, REAL.model)
    assert (await copied(catalogue, REAL.model))[1].keys() == {other.urn}
    ((urn, when),) = await embeddings.absent_since(catalogue, start)
    assert urn == ID.urn
    assert await embeddings.absent_since(catalogue, when + timedelta(seconds=1)) == []
    assert (await embeddings.oldest_forgotten_s(catalogue, start) or 0.0) >= 0.0
    assert await embeddings.oldest_forgotten_s(catalogue, when) is None
