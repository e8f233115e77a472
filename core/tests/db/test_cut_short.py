"""A file that is the beginning of another one, such as a copy that was broken off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.db import catalogue_tracks, erasure, tracks
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

HALF, WHOLE = TrackId("file", "a" * 64), TrackId("file", "b" * 64)


async def store(pool: Pool, track: TrackId, fronts: tuple[int, ...], duration_ms: int, **facts: Any) -> None:
    names = {"title": "Song", "artists": ("Band",), **facts}
    await tracks.upsert(pool, Track(track, duration_ms=duration_ms, fronts=fronts, **names))
    await pool.execute("UPDATE tracks SET state = 'ready' WHERE urn = $1", track.urn)


async def cut_short(pool: Pool) -> set[TrackId]:
    rows = await catalogue_tracks.get_many(pool, [HALF.urn, WHOLE.urn], "m")
    return {each.track.id for each in rows.values() if each.is_cut_short}


@pytest.fixture
async def both(pool: Pool) -> Pool:
    await store(pool, WHOLE, (1, 2, 3), 60_000)
    await store(pool, HALF, (1, 2), 20_000)
    return pool


async def test_it_is_known_while_the_whole_one_is_there(both: Pool) -> None:
    assert await cut_short(both) == {HALF}
    # Written again by a crawl that does not read it.
    await tracks.upsert(both, Track(HALF, "Song", ("Band",), duration_ms=20_000))
    assert await cut_short(both) == {HALF}
    await both.execute("UPDATE tracks SET state = 'gone' WHERE urn = $1", WHOLE.urn)
    assert await cut_short(both) == set()


async def test_it_need_not_have_tags(both: Pool) -> None:
    await store(both, HALF, (1, 2), 20_000, title="song.part", artists=())
    assert await cut_short(both) == {HALF}


@pytest.mark.parametrize(
    ("fronts", "duration_ms", "facts"),
    [
        ((1, 9), 20_000, {}),
        ((), 20_000, {}),
        ((1, 2), 60_000, {}),
        ((1, 2), 20_000, {"title": "Another song that begins with the same jingle"}),
    ],
)
async def test_files_that_only_resemble_it_are_not(
    both: Pool, fronts: tuple[int, ...], duration_ms: int, facts: dict[str, Any]
) -> None:
    await both.execute("DELETE FROM tracks WHERE urn = $1", HALF.urn)
    await store(both, HALF, fronts, duration_ms, **facts)
    assert await cut_short(both) == set()


async def test_nothing_of_a_forgotten_file_is_left(both: Pool) -> None:
    async with both.acquire() as connection:
        await erasure.forget_tracks(connection, [WHOLE])
    assert await both.fetchval("SELECT fronts FROM tracks WHERE urn = $1", WHOLE.urn) == []
    assert await cut_short(both) == set()
