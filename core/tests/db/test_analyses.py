"""What is analysed right now is true: it ends with its worker, and with what is forgotten."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest

from soundalike.db import analyses, embeddings, erasure, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.throughput import Throughput

if TYPE_CHECKING:
    from soundalike.db.database import Pool

FIRST, SECOND = TrackId("deezer", "1"), TrackId("deezer", "2")
MODEL = EmbeddingModel("m", 160)


async def active(pool: Pool) -> list[str]:
    return [analysis.urn for analysis in await analyses.active(pool, limit=10)]


async def analyse(pool: Pool, track: TrackId, seconds_ago: float) -> None:
    async with pool.acquire() as connection:
        vector = np.ones(160, dtype=np.float32)
        await embeddings.save(connection, Embedding(track, MODEL.model, vector, "k", None, "0", 29.0))
    await pool.execute(
        "UPDATE embeddings SET extracted_at = now() - make_interval(secs => $2) WHERE urn = $1", track.urn, seconds_ago
    )


async def test_an_analysis_goes_on_until_its_end_or_that_of_its_worker(pool: Pool) -> None:
    one, other = uuid4(), uuid4()
    for track in (FIRST, SECOND):
        await tracks.upsert(pool, Track(track, f"Title {track.key}", ("Somebody",)))
    await analyses.begin(pool, FIRST, one)
    await analyses.begin(pool, SECOND, one)
    await analyses.begin(pool, SECOND, other)
    (first, _) = await analyses.active(pool, limit=10)
    assert (first.urn, first.title, first.artists) == (FIRST.urn, "Title 1", ("Somebody",))
    await analyses.end(pool, FIRST, one)
    # A second message about the same preview.
    await analyses.end_all(pool, one)
    assert await active(pool) == [SECOND.urn]
    await analyses.end(pool, SECOND, other)
    assert await active(pool) == []


async def test_what_a_dead_worker_left_vanishes_and_what_is_extended_stays(pool: Pool) -> None:
    alive, dead = uuid4(), uuid4()
    for track, worker in ((FIRST, alive), (SECOND, dead)):
        await tracks.ensure(pool, track)
        await analyses.begin(pool, track, worker)
    await pool.execute("UPDATE analyses SET ends_by = now() - interval '1 second'")
    assert await active(pool) == []
    await analyses.extend(pool, alive)
    assert await active(pool) == [FIRST.urn]
    assert await pool.fetchval("SELECT count(*) FROM analyses") == 1


async def test_nothing_is_noted_of_a_track_that_is_being_forgotten(pool: Pool) -> None:
    await tracks.ensure(pool, FIRST)
    async with pool.acquire() as connection, connection.transaction():
        await erasure.forget_tracks(connection, [FIRST])
        begin = asyncio.create_task(analyses.begin(pool, FIRST, uuid4()))
        await asyncio.wait({begin}, timeout=0.1)
    await begin
    assert await pool.fetchval("SELECT count(*) FROM analyses") == 0


async def test_the_speed_is_that_since_the_first_of_the_last_minute(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
    assert (await analyses.throughput(pool, MODEL.model)).per_minute is None
    for number, seconds_ago in enumerate((300, 30, 20, 10), start=1):
        track = TrackId("deezer", str(number))
        await tracks.ensure(pool, track)
        await analyse(pool, track, seconds_ago)
    measured = await analyses.throughput(pool, MODEL.model)
    assert measured.finished == 2
    # It grows while nothing more is finished.
    assert measured.seconds >= 30
    assert [each.urn for each in await analyses.recent(pool, MODEL.model, limit=2)] == [
        "deezer:track:4",
        "deezer:track:3",
    ]


@pytest.mark.parametrize(
    ("measured", "per_minute", "seconds"),
    [
        (Throughput(0, 0.0), None, None),
        (Throughput(0, 30.0), None, None),
        (Throughput(5, 1.9), None, None),
        (Throughput(5, 10.0), 30.0, 200.0),
    ],
)
def test_the_time_left_needs_something_that_was_finished(
    measured: Throughput, per_minute: float | None, seconds: float | None
) -> None:
    assert measured.per_minute == per_minute
    assert measured.seconds_for(100) == seconds
