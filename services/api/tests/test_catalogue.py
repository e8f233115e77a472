"""`GET /search`, `GET /tracks` and `PUT /tracks/{urn}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.db import erasure, playlists, task_queue, tracks
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

from .conftest import Platform, track_id, urn
from .test_problems import problem

if TYPE_CHECKING:
    import httpx

DEEZER = "deezer:track:3135556"
PLAYLIST = "deezer:playlist:9"


async def fetch(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_search_shows_where_each_track_stands_and_how_it_fits(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await platform.add(1, title="One More Time", artists=("Daft Punk",), album="Discovery")
    await tracks.upsert(platform.pool, Track(TrackId.from_urn(DEEZER), "One More Chance"))
    results = await fetch(client, "/search", q="one more")
    assert [(each["title"], each["state"], each["match"]) for each in results["results"]] == [
        ("One More Chance", "pending", "exact"),
        ("One More Time", "ready", "exact"),
    ]
    assert [e["match"] for e in (await fetch(client, "/search", q="daft pnuk one", n=1))["results"]] == ["typo"]
    assert [e["urn"] for e in (await fetch(client, "/search", q="one", state="ready"))["results"]] == [urn(1)]
    assert await fetch(client, "/search", q="one", state="found") == await fetch(
        client, "/search", q="one", state="pending"
    )
    assert [e["urn"] for e in (await fetch(client, "/search", q="one", source="deezer"))["results"]] == [DEEZER]
    assert (await fetch(client, "/search", q="nothing like it"))["results"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("q=%20%00", "q"), ("q=", "q"), ("", "q"), ("q=a&n=51", "n"), ("q=a&q=b", "q"), ("q=a&source=tidal", "source"),
        ("q=a&state=nowhere", "state"), ("q=a&limit=3", "limit"), ("q=" + "x" * 201, "q"),
    ],
)  # fmt: skip
async def test_a_search_that_is_wrong_says_where(client: httpx.AsyncClient, query: str, parameter: str) -> None:
    body = problem(await client.get(f"/search?{query}"), 422, "invalid-request")
    assert body["errors"][0]["parameter"] == parameter


async def test_following_next_shows_every_track_once(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(1, 8):
        await platform.add(number)
    await tracks.upsert(platform.pool, Track(TrackId.from_urn(DEEZER), "Not ready"))
    seen, address = [], "/tracks?n=3&state=ready&source=file&source=deezer"
    while address:
        page = (await client.get(address)).json()
        seen += [each["urn"] for each in page["tracks"]]
        address = page["next"]
    assert seen == [urn(number) for number in range(1, 8)]
    assert len((await fetch(client, "/tracks"))["tracks"]) == 8
    assert [each["urn"] for each in (await fetch(client, "/tracks", state="pending"))["tracks"]] == [DEEZER]


async def test_the_former_name_of_a_state_is_still_read(platform: Platform, client: httpx.AsyncClient) -> None:
    await tracks.upsert(platform.pool, Track(TrackId.from_urn(DEEZER), "Not ready"))
    for requests in (["found"], ["found", "pending"]):
        [track] = (await fetch(client, "/tracks", state=requests))["tracks"]
        assert (track["urn"], track["state"]) == (DEEZER, "pending")


async def test_a_playlist_is_listed_in_its_order(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in (1, 2, 3):
        await platform.add(number)
    async with platform.pool.acquire() as connection:
        await playlists.replace(
            connection, Playlist(PLAYLIST, "deezer", "Mine"), [(0, track_id(3)), (1, track_id(1)), (5, track_id(2))]
        )
    first = await fetch(client, "/tracks", playlist="https://www.deezer.com/playlist/9", n=2)
    assert [each["urn"] for each in first["tracks"]] == [urn(3), urn(1)]
    second = (await client.get(first["next"])).json()
    assert ([each["urn"] for each in second["tracks"]], second["next"]) == ([urn(2)], None)


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("after=nonsense", 422, "invalid-request"),
        ("n=0", 422, "invalid-request"),
        ("n=201", 422, "invalid-request"),
        ("state=nowhere", 422, "invalid-request"),
        ("page=2", 422, "invalid-request"),
        (f"playlist={PLAYLIST}&after={DEEZER}", 422, "invalid-request"),
        (f"playlist={PLAYLIST}&after=99999999999", 422, "invalid-request"),
        (f"playlist={PLAYLIST}&after=²", 422, "invalid-request"),
        ("playlist=friday", 422, "unparsable-playlist"),
        (f"playlist={PLAYLIST}", 404, "unknown-playlist"),
    ],
)
async def test_a_list_that_cannot_be_shown_says_why(
    client: httpx.AsyncClient, query: str, status: int, kind: str
) -> None:
    problem(await client.get(f"/tracks?{query}"), status, kind)


async def test_asking_for_a_track_puts_it_on_the_list_and_shows_it(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    answer = await client.put("/tracks/https://www.deezer.com/track/3135556")
    assert (answer.status_code, answer.headers["location"]) == (202, f"/tracks/{DEEZER}")
    assert answer.json()["state"] == "pending"
    assert answer.json()["reason"] == (await fetch(client, answer.headers["location"]))["reason"]
    assert [task.urn for task in await task_queue.lease(platform.pool, ["add"], limit=9)] == [DEEZER]


async def test_a_track_that_is_ready_needs_nothing(platform: Platform, client: httpx.AsyncClient) -> None:
    await platform.add(1)
    answer = await client.put(f"/tracks/{urn(1)}")
    assert (answer.status_code, answer.json()["state"]) == (200, "ready")
    assert await task_queue.lease(platform.pool, ["add"], limit=9) == []


async def test_a_track_that_was_forgotten_is_refused(platform: Platform, client: httpx.AsyncClient) -> None:
    async with platform.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [TrackId.from_urn(DEEZER)])
    problem(await client.put(f"/tracks/{DEEZER}"), 410, "forgotten")
    assert await task_queue.lease(platform.pool, ["add"], limit=9) == []


async def test_what_nobody_can_fetch_is_refused_with_what_to_do(platform: Platform, client: httpx.AsyncClient) -> None:
    assert "make crawl FOLDER" in problem(await client.put(f"/tracks/{urn(7)}"), 422, "not-fetchable")["detail"]
    problem(await client.put("/tracks/nonsense"), 422, "unparsable-track")
    assert await platform.pool.fetchval("SELECT count(*) FROM tracks") == 0
