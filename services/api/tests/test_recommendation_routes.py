"""Every way of asking, over a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from soundalike.db import playlists, tracks
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.testing.wait import eventually

from .conftest import Platform, index_of, recommend, track_id, urn, vector

if TYPE_CHECKING:
    import httpx

SPOTIFY = "spotify:playlist:" + 22 * "a"


async def near(platform: Platform, number: int, **known: Any) -> str:
    """Add a track that is the less like track 0 the higher its number."""
    return await platform.add(number, vector(0) + np.float32(0.2 * number) * vector(number), **known)


async def all_ready(client: httpx.AsyncClient, count: int) -> None:
    async def is_ready() -> bool:
        index = await index_of(client)
        return bool(index) and index["tracks"] + index["tail"] == count

    await eventually(is_ready)


async def test_answers_are_limited_filtered_and_excluded(platform: Platform, client: httpx.AsyncClient) -> None:
    await near(platform, 0)
    await near(platform, 1, artists=("The A", "B"), album="One", duration_ms=100_000)
    await near(platform, 2, artists=("a",), album="ONE (Deluxe Edition)", duration_ms=200_000)
    await near(platform, 3, artists=("Å",), album="Two", duration_ms=300_000)
    await near(platform, 4, artists=("A",), album="Three")
    await near(platform, 5, artists=("C",))
    await all_ready(client, 6)

    async def recommended(**parameters: str | list[str]) -> list[int]:
        return [int(results.rpartition(":")[2], 16) for results in await recommend(client, urn(0), **parameters)]

    assert await recommended() == [1, 3, 5]
    assert await recommended(max_per_artist="9") == [1, 3, 4, 5]
    assert await recommended(max_per_artist="9", max_per_album="2") == [1, 2, 3, 4, 5]
    assert await recommended(exclude_artist="the b") == [2, 3, 5]
    assert await recommended(exclude=[urn(1), urn(5)]) == [2, 3]
    assert await recommended(source=["deezer"]) == []
    assert await recommended(source=["deezer", "file"]) == [1, 3, 5]
    assert await recommended(min_duration="150", max_duration="250.5") == [2]
    assert await recommended(min_score="1") == []
    assert len(await recommended(diversity="1", n="2")) == 2


async def test_several_tracks_can_be_seeds(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(4):
        await platform.add(number)
    await platform.add(4, vector(1) + np.float32(0.1) * vector(4))
    await all_ready(client, 5)
    body = (await client.get("/recommend", params={"track": [urn(0), urn(1), urn(0)]})).json()
    assert [seed["urn"] for seed in body["seeds"]] == [urn(0), urn(1)]
    assert (body["results"][0]["urn"], body["results"][0]["seed"]) == (urn(4), urn(1))
    assert {result["urn"] for result in body["results"]} == {urn(2), urn(3), urn(4)}
    answer = await client.get("/recommend", params={"track": [urn(0), urn(7)]})
    assert (answer.status_code, answer.json()["track"]) == (404, urn(7))


async def test_permalinks_are_understood_wherever_tracks_are(platform: Platform, client: httpx.AsyncClient) -> None:
    link = "https://soundcloud.com/someone/some-track"
    await platform.add(0)
    await platform.add(1)
    await all_ready(client, 2)
    await tracks.upsert(platform.pool, Track(tracks.TrackId("soundcloud", "7"), "Title", link=link))
    assert await recommend(client, urn(0), exclude=[link, urn(2)]) == [urn(1)]
    answer = await client.get("/recommend", params={"track": urn(0), "exclude": link + "-2"})
    assert (answer.status_code, "has no track with the address" in answer.json()["detail"]) == (422, True)


async def test_what_fits_a_playlist(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(4):
        await platform.add(number)
    await platform.add(4, vector(1) + np.float32(0.1) * vector(4))
    await platform.add(5, vector(0) + np.float32(0.2) * vector(5))
    await tracks.upsert(platform.pool, Track(track_id(6), "Not heard yet"))
    entries = [track_id(number) for number in (0, 1, 6, 0)]
    async with platform.pool.acquire() as connection:
        await playlists.replace(connection, Playlist(SPOTIFY, "spotify", "Mine"), list(enumerate(entries)))
    await all_ready(client, 6)
    for pasted in (SPOTIFY, 22 * "a", f"https://open.spotify.com/playlist/{22 * 'a'}%3Fsi=x"):
        body = (await client.get(f"/playlists/{pasted}/recommend", params={"n": 2})).json()
        assert body["playlist"] == {"urn": SPOTIFY, "title": "Mine", "tracks": 3, "ready": 2}
        assert [seed["urn"] for seed in body["seeds"]] == [urn(0), urn(1)]
        assert {(each["urn"], each["seed"]) for each in body["results"]} == {(urn(4), urn(1)), (urn(5), urn(0))}
    body = (await client.get(f"/playlists/{SPOTIFY}/recommend", params={"exclude": urn(4), "n": 1})).json()
    assert [each["urn"] for each in body["results"]] == [urn(5)]


async def test_playlists_that_fit_nothing(platform: Platform, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/playlists/{SPOTIFY}/recommend")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:soundalike:problem:unknown-playlist")
    answer = await client.get("/playlists/mine/recommend")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:soundalike:problem:unparsable-playlist")
    await tracks.upsert(platform.pool, Track(track_id(0), "Not heard yet"))
    async with platform.pool.acquire() as connection:
        await playlists.replace(connection, Playlist(SPOTIFY, "spotify", "Mine"), [(0, track_id(0))])
    answer = await client.get(f"/playlists/{SPOTIFY}/recommend")
    assert (answer.status_code, answer.json()["states"]) == (503, {"pending": 1})
    assert int(answer.headers["retry-after"]) > 0
    async with platform.pool.acquire() as connection:
        await playlists.replace(connection, Playlist(SPOTIFY, "spotify", "Mine"), [])
    answer = await client.get(f"/playlists/{SPOTIFY}/recommend")
    assert (answer.status_code, "it is empty" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("parameters", "headers", "media_type", "begins"),
    [
        ({}, {}, "application/json", "{"),
        ({"format": "json"}, {"Accept": "text/csv"}, "application/json", "{"),
        ({"format": "m3u"}, {}, "audio/x-mpegurl", "#EXTM3U"),
        ({"format": "jspf"}, {}, "application/jspf+json", '{"playlist"'),
        ({"format": "csv"}, {}, "text/csv", "rank,score,title"),
        ({}, {"Accept": "text/csv, */*;q=0.1"}, "text/csv", "rank,score,title"),
    ],
)
async def test_the_form_of_the_answer(
    platform: Platform,
    client: httpx.AsyncClient,
    parameters: dict[str, str],
    headers: dict[str, str],
    media_type: str,
    begins: str,
) -> None:
    await platform.add(0)
    await platform.add(1, title="Ä")
    await all_ready(client, 2)
    answer = await client.get("/recommend", params={"track": urn(0), **parameters}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert "accept" in answer.headers["vary"].lower()
    assert answer.text.startswith(begins)
    assert "Ä" in answer.text
