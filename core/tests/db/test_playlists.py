"""Playlists: checkpoints of lease that was not read to its end, and who crawls it next."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from soundalike.db import checkpoints, playlists, tracks
from soundalike.db.checkpoints import Checkpoint
from soundalike.db.playlists import Playlist
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

A, B, C = TrackId("deezer", "1"), TrackId("deezer", "2"), TrackId("deezer", "3")
MINE = Playlist("spotify:playlist:x", "spotify", "Mine", "s1")
MINUTE = timedelta(minutes=1)
NOW = timedelta(0)


async def store(pool: Pool, *entries: TrackId, playlist: Playlist = MINE) -> None:
    for track in entries:
        await tracks.ensure(pool, track)
    async with pool.acquire() as connection:
        await playlists.replace(connection, playlist, list(enumerate(entries)))


async def test_a_reading_is_kept_until_the_list_is_whole_or_another(pool: Pool) -> None:
    await tracks.ensure(pool, A)
    places = [Checkpoint(0, A), Checkpoint(1, None, "Ep\x00isode", "episode")]
    await checkpoints.save(pool, MINE.urn, "s1", places)
    await checkpoints.save(pool, MINE.urn, "s1", places[:1])
    assert await checkpoints.load(pool, MINE.urn, "s1") == [Checkpoint(0, A), Checkpoint(1, None, "Episode", "episode")]
    assert await checkpoints.load(pool, MINE.urn, "s2") == []
    assert await checkpoints.load(pool, MINE.urn, "s1") == []
    await checkpoints.save(pool, MINE.urn, "s1", places)
    await store(pool, A)
    assert await checkpoints.load(pool, MINE.urn, "s1") == []


async def test_due_playlists_are_shared_out(pool: Pool) -> None:
    other = Playlist("spotify:playlist:y", "spotify", "Other")
    foreign = Playlist("deezer:playlist:1", "deezer", "Off")
    for playlist in (MINE, other, foreign):
        await store(pool, playlist=playlist)
    assert await playlists.lease_due(pool, ["spotify"], duration=MINUTE) is None
    assert await playlists.seconds_to_next(pool, ["spotify"]) is None
    for playlist in (MINE, other, foreign):
        await playlists.schedule(pool, playlist.urn, MINUTE, retry_in=NOW)
    leases = await asyncio.gather(*(playlists.lease_due(pool, ["spotify"], duration=MINUTE) for _ in range(3)))
    assert sorted(lease.urn for lease in leases if lease) == [MINE.urn, other.urn]
    left = await playlists.seconds_to_next(pool, ["spotify"])
    assert left is not None
    assert 50 < left <= 60


async def test_an_expired_lease_is_due_again(pool: Pool) -> None:
    await store(pool)
    await playlists.schedule(pool, MINE.urn, MINUTE, retry_in=NOW, error="503 \x00")
    assert await playlists.lease_due(pool, ["spotify"], duration=timedelta(0)) == MINE
    assert await playlists.lease_due(pool, ["spotify"], duration=timedelta(0)) == MINE


async def due_in(pool: Pool) -> float | None:
    seconds = await playlists.seconds_to_next(pool, [MINE.source])
    return None if seconds is None else round(seconds, -1)


async def test_a_list_without_an_interval_is_never_due(pool: Pool) -> None:
    await store(pool)
    await playlists.schedule(pool, MINE.urn)
    await playlists.schedule(pool, MINE.urn, retry_in=NOW, not_before=NOW, error="503")
    assert await due_in(pool) is None
    assert await playlists.lease_due(pool, [MINE.source], duration=MINUTE) is None
    assert await playlists.count_subscribed(pool, [MINE.source]) == 0


async def test_lists_with_an_interval_are_counted_by_source(pool: Pool) -> None:
    await store(pool)
    await playlists.schedule(pool, MINE.urn, MINUTE)
    assert await playlists.count_subscribed(pool, [MINE.source, "deezer"]) == 1
    assert await playlists.count_subscribed(pool, ["deezer"]) == 0


async def test_a_list_keeps_its_pace_until_another_is_agreed(pool: Pool) -> None:
    await store(pool)
    await playlists.schedule(pool, MINE.urn, 10 * MINUTE)
    assert await due_in(pool) == 600
    await playlists.schedule(pool, MINE.urn, retry_in=MINUTE)
    assert await due_in(pool) == 60
    await playlists.schedule(pool, MINE.urn, retry_in=60 * MINUTE)
    assert await due_in(pool) == 600
    await playlists.schedule(pool, MINE.urn, retry_in=20 * MINUTE, not_before=20 * MINUTE)
    assert await due_in(pool) == 1200
    await playlists.schedule(pool, MINE.urn, 5 * MINUTE)
    assert await due_in(pool) == 300
    await playlists.schedule(pool, MINE.urn, NOW)
    assert await due_in(pool) is None
    await playlists.schedule(pool, MINE.urn)
    assert await due_in(pool) is None
