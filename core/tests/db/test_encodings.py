"""Other encodings of a file's recording: by the ids in tags, or by sound and length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import embeddings, encodings, erasure, models, tracks
from soundalike.db.aliases import ACOUSTID, ISRC, MUSICBRAINZ_RECORDING, Alias
from soundalike.db.embeddings import Embedding
from soundalike.db.encodings import SAME_SOUND
from soundalike.db.models import EmbeddingModel
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Connection, Pool


def file(number: int) -> TrackId:
    return TrackId("file", f"{number:064x}")


FILE = file(0)
VECTOR = np.linspace(1, 2, 160, dtype=np.float32)


async def add(
    db: Connection, track: TrackId, *aliases: Alias, vector: np.ndarray | None = None, duration_ms: int = 200_000
) -> None:
    await tracks.upsert(db, Track(track, f"song {track.key[-2:]}", duration_ms=duration_ms, aliases=aliases))
    if vector is not None:
        await embeddings.save(db, Embedding(track, "m", vector, "k", None, "x", 29.0))


async def reasons(pool: Pool, track: TrackId = FILE) -> dict[TrackId, str]:
    return {other.stored.track.id: other.reason for other in await encodings.others(pool, track)}


@pytest.mark.parametrize(
    ("namespace", "reason"),
    [
        (ISRC, "the same ISRC"),
        (MUSICBRAINZ_RECORDING, "the same recording at MusicBrainz"),
        (ACOUSTID, "the same AcoustID"),
    ],
)
async def test_an_id_in_common(pool: Pool, namespace: str, reason: str) -> None:
    async with pool.acquire() as db:
        await add(db, FILE, Alias(namespace, "x"), Alias("spotify", "s"))
        await add(db, file(1), Alias(namespace, "x"))
        await add(db, file(2), Alias(namespace, "y"), Alias("spotify", "s"))
        await add(db, TrackId("deezer", "1"), Alias(namespace, "x"))
    assert await reasons(pool) == {file(1): reason}


@pytest.mark.parametrize("count", [0, 60])
async def test_nearly_the_same_sound_of_the_same_length(pool: Pool, count: int) -> None:
    noise = np.random.default_rng(1)
    async with pool.acquire() as db:
        await models.register(db, EmbeddingModel("m", 160))
        for number in range(100, 100 + count):
            other = (VECTOR + noise.normal(0, 0.3, 160)).astype(np.float32)
            await add(db, file(number), vector=other)
        own = (VECTOR + noise.normal(0, 0.3, 160)).astype(np.float32)
        again = own + noise.normal(0, 0.002, 160).astype(np.float32)
        await add(db, FILE, vector=own)
        await add(db, file(1), vector=again, duration_ms=201_500)
        await add(db, file(2), vector=again, duration_ms=203_000)
        await add(db, TrackId("deezer", "1"), vector=again)
    assert await reasons(pool) == {file(1): SAME_SOUND}
    assert await reasons(pool, file(2)) == {file(1): SAME_SOUND}


async def test_a_file_that_comes_after_another_encoding_was_forgotten(pool: Pool) -> None:
    async with pool.acquire() as db:
        await add(db, file(9), Alias(ISRC, "x"))
        begin = await encodings.moment(db)
        await add(db, FILE, Alias(ISRC, "x"), Alias(ACOUSTID, "a"))
        await add(db, file(1), Alias(ISRC, "x"))
        await add(db, file(2), Alias(ISRC, "y"))
        assert await encodings.of_forgotten(db, begin) == []
        await erasure.forget_tracks(db, [FILE])
        assert [each.track.id for each in await encodings.of_forgotten(db, begin)] == [file(1)]
        # Of a file the ids of its recording stay, of other tracks nothing but their own.
        assert await reasons(pool) == {file(1): "the same ISRC", file(9): "the same ISRC"}
        await erasure.forget_tracks(db, [file(1)])
        assert await encodings.of_forgotten(db, begin) == []
        await erasure.delete_tracks(db, [FILE.urn, file(1).urn])
        assert await db.fetchval("SELECT count(*) FROM aliases WHERE id = 'a'") == 0
