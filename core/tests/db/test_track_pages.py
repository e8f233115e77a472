"""Leafing through the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.db import playlists, track_pages, tracks
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from soundalike.db.database import Pool

STATES = [State.READY, State.REJECTED, State.FORGOTTEN, State.PENDING]
MINE = "deezer:playlist:9"


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """Forty tracks of two sources in four states, and a playlist of twenty of them, backwards."""
    for number in range(40):
        source = "deezer" if number % 2 else "soundcloud"
        await tracks.upsert(pool, Track(TrackId(source, str(100 + number)), f"T{number}"))
        await pool.execute(
            "UPDATE tracks SET state = $1 WHERE urn LIKE '%:' || $2", STATES[number // 10], str(100 + number)
        )
    ids = [TrackId.from_urn(row["urn"]) for row in await pool.fetch("SELECT urn FROM tracks ORDER BY title")]
    async with pool.acquire() as connection:
        await playlists.replace(
            connection, Playlist(MINE, "deezer", "Mine"), [(2 * place, id_) for place, id_ in enumerate(ids[:20])]
        )
    return pool


async def everything(pool: Pool, *, limit: int, **chosen: list[State] | list[str]) -> list[str]:
    urns: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await track_pages.page(pool, limit=limit, after=after, **chosen)  # type: ignore[arg-type]
        assert 0 < len(page.tracks) <= limit
        urns += [each.track.id.urn for each in page.tracks]
        after = page.next_after
    return urns


@pytest.mark.parametrize("limit", [1, 3, 30, 31, 100])
async def test_page_by_page_every_track_comes_once_in_order(filled: Pool, limit: int) -> None:
    rows = await filled.fetch("SELECT urn FROM tracks WHERE state <> 'forgotten' ORDER BY urn")
    assert await everything(filled, limit=limit) == [row["urn"] for row in rows]


async def test_only_what_matches_the_filters(filled: Pool) -> None:
    urns = await everything(filled, limit=4, states=[State.READY, State.PENDING], sources=["deezer"])
    rows = await filled.fetch(
        "SELECT urn FROM tracks WHERE state IN ('ready', 'pending') AND source = 'deezer' ORDER BY urn"
    )
    assert urns == [row["urn"] for row in rows]
    assert (await track_pages.page(filled, limit=9, sources=["spotify"])).tracks == []
    assert (await track_pages.page(filled, limit=9, after="zzz")) == track_pages.Page([], None)


async def test_a_playlist_keeps_its_order(filled: Pool) -> None:
    whole = await track_pages.playlist_page(filled, MINE, limit=100, states=list(State))
    assert whole is not None
    assert [each.track.id for each in whole.tracks] == await playlists.tracks_of(filled, MINE)
    first = await track_pages.playlist_page(filled, MINE, limit=7, states=list(State))
    assert first is not None
    assert first.next_after == "12"
    second = await track_pages.playlist_page(filled, MINE, limit=100, after=12, states=list(State))
    assert second is not None
    assert first.tracks + second.tracks == whole.tracks


async def test_an_unknown_playlist_is_no_empty_one(filled: Pool) -> None:
    assert await track_pages.playlist_page(filled, "deezer:playlist:1", limit=5) is None
    assert await track_pages.playlist_page(filled, MINE, limit=5, sources=["spotify"]) == track_pages.Page([], None)


async def test_a_page_reads_hardly_more_than_it_shows(filled: Pool) -> None:
    await filled.execute("""
        INSERT INTO tracks (urn, source, title, state)
        SELECT 'deezer:track:' || n, 'deezer', '', 'queued' FROM generate_series(1000, 30000) n
    """)
    await filled.execute("ANALYZE tracks")
    async with filled.acquire() as connection:
        # Nobody is in most of these states: an index in the order of the URNs alone would be read to its end.
        chosen = [state.value for state in track_pages.VISIBLE], list(track_pages.SOURCES)
        rows = await connection.fetch(f"EXPLAIN ANALYZE {track_pages._PAGE}", *chosen, "deezer:track:15", 10)
    plan = "\n".join(row[0] for row in rows)
    assert "using tracks_listed" in plan
    assert "Seq Scan on tracks" not in plan
    assert "tracks_pkey" not in plan
