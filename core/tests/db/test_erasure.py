"""Forgetting: nothing is left but the id, and nothing comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import embeddings, erasure, models, playlists, task_queue, track_states, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State, StoredTrack, Track
from soundalike.domain.track_id import TrackId
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from soundalike.db.database import Pool

A, B = TrackId("deezer", "1"), TrackId("deezer", "2")
ARTIST = "deezer:artist:7"
MODEL = EmbeddingModel("m", 160)
MINE = Playlist("deezer:playlist:9", "deezer", "Mine", "s1")
SONG = Track(A, "Song", ("Band",), (ARTIST,), "Album", 1000, "ZZAAA2600001", "https://www.deezer.com/track/1", ("x",))


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """A catalogue with two tracks, of which the first has an embedding and is in a playlist, and in the task queue."""
    await tracks.upsert(pool, SONG)
    await tracks.upsert(pool, Track(B, "Other"))
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        embedding = Embedding(A, MODEL.model, np.ones(160, dtype=np.float32), "k", None, "0" * 64, 29.0)
        await embeddings.save(connection, embedding)
        await playlists.replace(connection, MINE, [(0, A), (1, B)])
    await task_queue.enqueue_now(pool, "track", A.urn, "add")
    return pool


async def forget(pool: Pool, track: TrackId) -> None:
    async with pool.acquire() as connection:
        await erasure.forget_tracks(connection, [track])


async def state(pool: Pool, track: TrackId) -> State | None:
    stored = await tracks.get(pool, track)
    return stored.state if stored else None


async def test_nothing_of_a_forgotten_track_is_left_but_its_id(filled: Pool) -> None:
    await forget(filled, A)
    assert await tracks.get(filled, A) == StoredTrack(Track(A, ""), State.FORGOTTEN)
    assert not await embeddings.exists(filled, A, MODEL.model)
    assert await playlists.tracks_of(filled, MINE.urn) == [B]
    assert await task_queue.lease(filled, ["add"]) == []


async def test_who_favourites_it_and_how_popular_it_is_go_too(filled: Pool) -> None:
    await filled.execute("INSERT INTO users (urn) VALUES ('soundcloud:users:5')")
    for track in (A, B):
        await filled.execute("INSERT INTO favorites VALUES ('soundcloud:users:5', $1)", track.urn)
        await filled.execute("INSERT INTO track_popularity (track) VALUES ($1)", track.urn)
    await forget(filled, A)
    assert [row["track"] for row in await filled.fetch("SELECT track FROM favorites")] == [B.urn]
    assert [row["track"] for row in await filled.fetch("SELECT track FROM track_popularity")] == [B.urn]


async def test_it_does_not_come_back(filled: Pool) -> None:
    await forget(filled, A)
    assert await tracks.upsert(filled, SONG) is False
    assert await tracks.get(filled, A) == StoredTrack(Track(A, ""), State.FORGOTTEN)
    async with filled.acquire() as connection:
        late = Embedding(A, MODEL.model, np.ones(160, dtype=np.float32), "k", None, "0" * 64, 29.0)
        assert await embeddings.save(connection, late) is False


async def test_what_was_never_seen_can_be_forgotten_ahead(pool: Pool) -> None:
    await forget(pool, A)
    assert await tracks.upsert(pool, SONG) is False


async def test_the_channel_is_notified_at_once(filled: Pool) -> None:
    notifications: asyncio.Queue[str] = asyncio.Queue()
    async with filled.acquire() as connection:
        await connection.add_listener(embeddings.CHANNEL, lambda *args: notifications.put_nowait(str(args[-1])))
        await forget(filled, A)
        assert await asyncio.wait_for(notifications.get(), scale(30)) == MODEL.model
        await connection.reset(timeout=scale(30))


async def test_an_artist_goes_with_the_tracks_and_brings_no_new_ones(filled: Pool) -> None:
    async with filled.acquire() as connection:
        assert await erasure.forget_artist(connection, ARTIST) == [A.urn]
    assert await state(filled, A) is State.FORGOTTEN
    assert await state(filled, B) is State.PENDING
    another = TrackId("deezer", "3")
    assert await tracks.upsert(filled, Track(another, "New", ("Guest", "Band"), ("deezer:artist:8", ARTIST))) is False
    assert await state(filled, another) is None
    assert await erasure.find_blocked(filled, [ARTIST, "deezer:artist:8"]) == {ARTIST}


async def test_a_playlist_goes_and_its_tracks_stay_by_default(filled: Pool) -> None:
    async with filled.acquire() as connection:
        assert await erasure.forget_playlist(connection, MINE.urn) == []
    assert await playlists.get(filled, MINE.urn) is None
    assert await playlists.is_blocked(filled, MINE.urn)
    assert await state(filled, A) is State.READY


async def test_a_playlist_can_go_with_its_tracks(filled: Pool) -> None:
    async with filled.acquire() as connection:
        assert sorted(await erasure.forget_playlist(connection, MINE.urn, with_tracks=True)) == [A.urn, B.urn]
    assert (await track_states.count_by_state(filled))[State.FORGOTTEN] == 2


async def test_a_user_goes_with_lists_and_uploads(filled: Pool) -> None:
    user = "soundcloud:users:5"
    upload = TrackId("soundcloud", "50")
    await tracks.upsert(filled, Track(upload, "Mine", ("Me",), (user,)))
    await task_queue.enqueue(filled, "user", [user], "likes")
    await filled.execute("INSERT INTO users (urn) VALUES ($1)", user)
    await filled.execute('INSERT INTO favorites ("user", track) VALUES ($1, $2)', user, A.urn)
    async with filled.acquire() as connection:
        await playlists.replace(connection, Playlist(f"{user}:likes", "soundcloud", "x"), [(0, A)])
        await playlists.replace(connection, Playlist(f"{user}0:likes", "soundcloud", "somebody else's"), [])
        assert await erasure.forget_user(connection, user) == [upload.urn]
    assert await playlists.get(filled, f"{user}:likes") is None
    assert await playlists.get(filled, f"{user}0:likes") is not None
    assert await task_queue.lease(filled, ["likes"]) == []
    assert await filled.fetchval("SELECT count(*) FROM favorites") == 0
    assert await filled.fetchval("SELECT count(*) FROM users") == 0
    assert await erasure.find_blocked(filled, [user, f"{user}:likes"]) == {user, f"{user}:likes"}
