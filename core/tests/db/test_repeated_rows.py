"""Lists from outside name things twice; what stands twice in one statement is written once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import checkpoints, erasure, favorites, playlists, popularity, task_queue, tracks, users
from soundalike.db.checkpoints import Checkpoint
from soundalike.db.playlists import Playlist
from soundalike.db.popularity import Popularity
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from soundalike.db.database import Connection, Pool

TRACK, USER = TrackId("soundcloud", "1"), "soundcloud:users:1"
LIST = Playlist("deezer:playlist:9", "deezer", "Mine", "s1")

WRITES: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "users": lambda db: users.upsert(db, [User(USER), User(USER)]),
    "favorites": lambda db: favorites.add(db, [(USER, TRACK.urn)] * 2),
    "track_popularity": lambda db: popularity.upsert(db, [Popularity(TRACK.urn), Popularity(TRACK.urn)]),
    "manifest": lambda db: task_queue.enqueue(db, "track", [TRACK.urn, TRACK.urn], "likers"),
    "playlist_readings": lambda db: checkpoints.save(db, LIST.urn, "s1", [Checkpoint(0, TRACK), Checkpoint(0, TRACK)]),
    "playlist_tracks": lambda db: playlists.replace(db, LIST, [(0, TRACK), (0, TRACK)]),
    "blocks": lambda db: erasure.forget_releases(db, ["ZZAAA2600001"] * 2, [TRACK, TRACK]),
    "tracks": lambda db: erasure.forget_tracks(db, [TRACK, TRACK]),
}


@pytest.mark.parametrize("table", WRITES)
async def test_what_stands_twice_in_a_list_is_written_once(pool: Pool, table: str) -> None:
    await tracks.ensure(pool, TRACK)
    if table == "favorites":
        await users.upsert(pool, [User(USER)])
    async with pool.acquire() as connection:
        await WRITES[table](connection)
    assert await pool.fetchval(f'SELECT count(*) FROM "{table}"') == 1  # noqa: S608 - a name of this module
