"""Who favourites what: first seen stays, what is to be forgotten does not come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from soundalike.db import favorites, popularity, tracks, users
from soundalike.db.popularity import Popularity
from soundalike.db.tracks import Track
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

ANN, BOB = "soundcloud:users:1", "soundcloud:users:2"
SONG, TUNE = "soundcloud:tracks:10", "soundcloud:tracks:11"


@pytest.fixture
async def catalogue(pool: Pool) -> Pool:
    for urn in (SONG, TUNE):
        await tracks.upsert(pool, Track(TrackId.from_urn(urn), f"title of {urn}"))
    assert await users.upsert(pool, [User(ANN, favorites_count=2), User(BOB)]) == [ANN, BOB]
    return pool


async def first_seen(pool: Pool, table: str) -> datetime:
    seen = await pool.fetchval(f"SELECT min(first_seen_at) FROM {table}")  # noqa: S608 - names in this file
    assert isinstance(seen, datetime)
    return seen


async def all_pairs(pool: Pool) -> list[tuple[str, str]]:
    async with pool.acquire() as connection, connection.transaction():
        return [pair async for pair in favorites.stream(connection)]


async def test_what_is_seen_again_keeps_when_it_was_first_seen(catalogue: Pool) -> None:
    await favorites.add(catalogue, [(ANN, SONG), (ANN, TUNE), (BOB, SONG), (ANN, SONG)])
    before = [await first_seen(catalogue, table) for table in ("users", "favorites")]
    await users.upsert(catalogue, [User(ANN, favorites_count=3)])
    await favorites.add(catalogue, [(ANN, SONG)])
    assert [await first_seen(catalogue, table) for table in ("users", "favorites")] == before
    assert await all_pairs(catalogue) == [(ANN, SONG), (ANN, TUNE), (BOB, SONG)]
    assert await favorites.count(catalogue) == 3


async def test_a_count_that_is_hidden_later_stays_what_it_was(catalogue: Pool) -> None:
    await users.upsert(catalogue, [User(ANN, followers_count=5)])
    assert await users.get(catalogue, ANN) == User(ANN, None, 2, 5)
    published = datetime(2019, 1, 15, tzinfo=UTC)
    await popularity.upsert(catalogue, [Popularity(SONG, "Rock\0", None, published, 100, 7)])
    await popularity.upsert(catalogue, [Popularity(SONG, "Rock", favoritings=8), Popularity("soundcloud:tracks:99")])
    assert await popularity.get(catalogue, SONG) == Popularity(SONG, "Rock", None, published, 100, 8)
    assert await popularity.get(catalogue, "soundcloud:tracks:99") is None


async def test_favourites_of_unknown_users_and_forgotten_tracks_are_left_out(catalogue: Pool) -> None:
    await catalogue.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", TUNE)
    await favorites.add(catalogue, [(ANN, TUNE), ("soundcloud:users:77", SONG), (ANN, "soundcloud:tracks:99")])
    assert await favorites.count(catalogue) == 0


async def test_blocked_people_are_not_stored(catalogue: Pool) -> None:
    await catalogue.execute("INSERT INTO blocks (urn) VALUES ('soundcloud:users:3')")
    assert await users.upsert(catalogue, [User("soundcloud:users:3"), User("soundcloud:users:4")]) == [
        "soundcloud:users:4"
    ]


async def test_people_not_seen_for_long_are_deleted_with_their_favourites(catalogue: Pool) -> None:
    await favorites.add(catalogue, [(ANN, SONG), (BOB, SONG)])
    await catalogue.execute("UPDATE users SET seen_at = now() - interval '40 days' WHERE urn = $1", ANN)
    assert await users.delete_unseen(catalogue, timedelta(days=30)) == [ANN]
    assert await all_pairs(catalogue) == [(BOB, SONG)]
    await users.delete(catalogue, [BOB])
    assert (await users.count(catalogue), await favorites.count(catalogue)) == (0, 0)


async def test_all_favourites_come_user_by_user(catalogue: Pool) -> None:
    pairs = [(ANN, SONG), (ANN, TUNE), (BOB, SONG)]
    await favorites.add(catalogue, pairs[::-1])
    assert await all_pairs(catalogue) == pairs
