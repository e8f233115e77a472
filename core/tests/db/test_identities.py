"""A track under another id: everything that hangs on it goes with it, into a row that is there already or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.db import (
    checkpoints,
    embeddings,
    erasure,
    identities,
    libraries,
    locations,
    models,
    playlists,
    search_names,
    tracks,
)
from soundalike.db.checkpoints import Checkpoint
from soundalike.db.embeddings import Embedding
from soundalike.db.locations import FileStamp, ScannedLocation
from soundalike.db.models import EmbeddingModel
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId
from soundalike.testing.database_text import columns_with

if TYPE_CHECKING:
    from soundalike.db.database import Connection, Pool

FORMER, TRACK, OTHER = (TrackId("file", character * 64) for character in "abc")
MODEL = EmbeddingModel("m", 160)
LIST = Playlist("spotify:playlist:9", "spotify", "A list", "s1")


async def add(db: Connection, track: TrackId, title: str, *, is_former: bool = False, is_ready: bool = True) -> None:
    await tracks.upsert(db, Track(track, title, ("Somebody",), album="Album", duration_ms=1000, isrc="USHM80865849"))
    if is_former:
        await db.execute("UPDATE tracks SET identity_version = 0 WHERE urn = $1", track.urn)
    if is_ready:
        await embeddings.save(db, Embedding(track, "m", np.ones(160, np.float32), f"{title}.flac", None, "x", 8.0))


async def hang_everything_on(db: Connection, track: TrackId) -> None:
    await playlists.replace(db, LIST, [(0, track), (1, OTHER), (2, track)])
    await db.execute("INSERT INTO users (urn) VALUES ('soundcloud:users:1') ON CONFLICT DO NOTHING")
    await db.execute("INSERT INTO favorites (\"user\", track) VALUES ('soundcloud:users:1', $1)", track.urn)
    await db.execute("INSERT INTO track_popularity (track) VALUES ($1)", track.urn)
    await db.execute("INSERT INTO aliases VALUES ('musicbrainz:recording', 'x', $1)", track.urn)
    await db.execute("INSERT INTO manifest (kind, urn, request) VALUES ('track', $1, 'x')", track.urn)
    await checkpoints.save(db, LIST.urn, "s1", [Checkpoint(0, track)])
    library = (await libraries.register(db, b"/music")).library
    await locations.save(db, ScannedLocation(library, b"1.flac", FileStamp(1, 2, 3, 4)), track)


@pytest.fixture
async def db(pool: Pool) -> object:
    async with pool.acquire() as connection:
        await models.register(connection, MODEL)
        await add(connection, OTHER, "Other")
        yield connection


async def test_everything_that_names_the_track_names_it_by_its_new_id(pool: Pool, db: Connection) -> None:
    await add(db, FORMER, "Song", is_former=True)
    await hang_everything_on(db, FORMER)
    naming = await columns_with(pool, FORMER.urn)
    assert await identities.has_former(pool)
    before = await embeddings.newer_than(pool, "m", 0)
    assert await identities.rename(db, FORMER, TRACK)
    assert await columns_with(pool, FORMER.urn, FORMER.key) == set()
    assert await columns_with(pool, TRACK.urn) == naming
    assert not await identities.has_former(pool)
    stored = await tracks.get(pool, TRACK)
    assert stored is not None
    assert (stored.state, stored.track.title, stored.track.artists) == (State.READY, "Song", ("Somebody",))
    # Readers ask for what is newer than what they know.
    [renamed] = await embeddings.newer_than(pool, "m", max(vector.seq for vector in before))
    assert renamed.urn == TRACK.urn
    assert await search_names.refresh(pool) == 0
    assert await pool.fetchval("SELECT array_agg(urn) FROM track_names WHERE title = 'song'") == [TRACK.urn]


async def test_two_former_ids_of_one_sound_become_one_track(pool: Pool, db: Connection) -> None:
    await add(db, FORMER, "Song", is_former=True)
    await hang_everything_on(db, FORMER)
    await add(db, TRACK, "Song, retagged", is_ready=False)
    await db.execute("INSERT INTO favorites (\"user\", track) VALUES ('soundcloud:users:1', $1)", TRACK.urn)
    await db.execute("INSERT INTO aliases VALUES ('musicbrainz:recording', 'x', $1)", TRACK.urn)
    await db.execute("INSERT INTO manifest (kind, urn, request) VALUES ('track', $1, 'x')", TRACK.urn)
    await db.execute("INSERT INTO track_popularity (track) VALUES ($1)", TRACK.urn)
    assert await identities.rename(db, FORMER, TRACK)
    assert await columns_with(pool, FORMER.urn, FORMER.key) == set()
    stored = await tracks.get(pool, TRACK)
    assert stored is not None
    assert (stored.state, stored.track.title) == (State.READY, "Song, retagged")
    assert [track.urn for track in await playlists.tracks_of(pool, LIST.urn)] == [TRACK.urn, OTHER.urn, TRACK.urn]
    assert list(await locations.of_tracks(pool, [TRACK.urn])) == [TRACK.urn]
    assert await pool.fetchval("SELECT count(*) FROM favorites") == 1


async def test_both_analysed_keep_the_vector_of_the_new_one(pool: Pool, db: Connection) -> None:
    await add(db, FORMER, "former", is_former=True)
    await add(db, TRACK, "new")
    assert await identities.rename(db, FORMER, TRACK)
    keys = await pool.fetch("SELECT object_key FROM embeddings WHERE urn = $1", TRACK.urn)
    assert [row["object_key"] for row in keys] == ["new.flac"]


@pytest.mark.parametrize(
    ("forgotten", "is_new"), [((FORMER,), True), ((FORMER,), False), ((TRACK,), False), ((FORMER, TRACK), False)]
)
async def test_what_was_forgotten_stays_forgotten(
    pool: Pool, db: Connection, forgotten: tuple[TrackId, ...], *, is_new: bool
) -> None:
    await add(db, FORMER, "former", is_former=True)
    if not is_new:
        await add(db, TRACK, "new")
    await erasure.forget_tracks(db, list(forgotten))
    assert await identities.rename(db, FORMER, TRACK)
    assert await columns_with(pool, FORMER.urn, FORMER.key) == set()
    assert await columns_with(pool, TRACK.urn) == {"tracks.urn"}
    assert await pool.fetchval("SELECT state FROM tracks WHERE urn = $1", TRACK.urn) == "forgotten"
    assert not await tracks.upsert(db, Track(TRACK, "again"))
    assert not await identities.has_former(pool)


async def test_a_preview_that_waits_under_the_former_id_makes_no_track(pool: Pool, db: Connection) -> None:
    await add(db, FORMER, "Song", is_former=True, is_ready=False)
    await tracks.mark_queued(db, FORMER, provider="file", method="cut")
    assert await identities.rename(db, FORMER, TRACK)
    # The extractor deletes the object of a forgotten track; the crawl makes another one of the new id.
    states = await pool.fetch("SELECT urn, state FROM tracks WHERE urn = ANY($1)", [FORMER.urn, TRACK.urn])
    assert dict(map(tuple, states)) == {FORMER.urn: "forgotten", TRACK.urn: "pending"}
    assert not await identities.has_former(pool)


@pytest.mark.parametrize("is_new", [True, False])
async def test_what_former_rules_rejected_is_tried_again(pool: Pool, db: Connection, *, is_new: bool) -> None:
    await add(db, FORMER, "former", is_former=True, is_ready=False)
    await tracks.mark_rejected(db, FORMER, "not audio")
    if not is_new:
        await add(db, TRACK, "new", is_ready=False)
        await tracks.mark_rejected(db, TRACK, "silent")
    assert await identities.rename(db, FORMER, TRACK)
    status = await tracks.status(pool, TRACK)
    assert status is not None
    assert (status.state, status.reason) == ((State.PENDING, None) if is_new else (State.REJECTED, "silent"))


async def test_nothing_to_rename(pool: Pool, db: Connection) -> None:
    await add(db, TRACK, "Song")
    assert not await identities.rename(db, FORMER, TRACK)
    assert not await identities.rename(db, TRACK, TRACK)
    assert not await identities.rename(db, OTHER, OTHER)
    assert {row["urn"] for row in await pool.fetch("SELECT urn FROM tracks")} == {TRACK.urn, OTHER.urn}
