"""The API over a real database and a real bucket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from soundalike.api.app import create_app
from soundalike.db import tracks
from soundalike.testing.wait import eventually

from .conftest import MODEL, OTHER_MODEL, Platform, index_of, is_ready, recommend, serving, track_id, urn, vector

if TYPE_CHECKING:
    import httpx
    import pytest

    from soundalike.api.settings import ApiSettings


async def test_everything_is_tail_before_the_first_version(platform: Platform, client: httpx.AsyncClient) -> None:
    for number, difference in enumerate([0.0, 0.3, 0.8, 1.5, 4.0]):
        await platform.add(number, vector(0) + difference * vector(number))
    await eventually(lambda: _has(client, version=None, tracks=0, tail=5))
    answer = await client.get("/recommend", params={"track": urn(0), "n": 3})
    assert answer.status_code == 200
    body = answer.json()
    assert body["index"] == {"model": MODEL.model, "version": None, "tracks": 0, "tail": 5}
    assert body["seeds"] == [
        {
            "urn": urn(0),
            "title": "Title 0",
            "artists": ["Artist 0"],
            "album": None,
            "link": "https://example.org/0",
            "source": "file",
            "tags": [],
        }
    ]
    best = [1, 2, 3]
    assert [result["urn"] for result in body["results"]] == [urn(number) for number in best]
    assert [result["rank"] for result in body["results"]] == [1, 2, 3]
    scores = [result["score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)
    assert [result["link"] for result in body["results"]] == [f"https://example.org/{number}" for number in best]


async def test_a_track_is_recommendable_after_its_commit_without_a_restart(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    await platform.add(0)
    await platform.add(1)
    await eventually(lambda: _has(client, tail=2))
    await platform.add(2, vector(0) + 0.01 * vector(2))
    await eventually(lambda: _recommends(client, 0, first=2))


async def test_notifications_do_without_polling(platform: Platform, settings: ApiSettings) -> None:
    app = create_app(settings, platform.store, poll_s=3_600.0)
    async with serving(app) as client:
        await eventually(lambda: is_ready(client))
        await eventually(lambda: _listens(platform))
        await platform.add(0)
        await eventually(lambda: _has(client, tail=1))
        await platform.publish()
        await eventually(lambda: _has(client, version="v1", tracks=1, tail=0))


async def test_polling_does_without_notifications(platform: Platform, settings: ApiSettings) -> None:
    async with serving(create_app(settings, platform.store, poll_s=0.01)) as client:
        await eventually(lambda: _listens(platform))
        await platform.pool.execute(_END_LISTENER)
        await platform.add(0)
        await eventually(lambda: _has(client, tail=1))


async def test_versions_are_swapped_while_requests_run(real_platform: Platform, settings: ApiSettings) -> None:
    platform = real_platform
    for number in range(40):
        await platform.add(number)
    statuses: list[int] = []
    versions_seen: set[str | None] = set()
    async with serving(create_app(settings)) as client:
        await eventually(lambda: _has(client, tail=40))
        done = asyncio.Event()

        async def ask_on_and_on(number: int) -> None:
            while not done.is_set():
                answer = await client.get("/recommend", params={"track": urn(number), "n": 100})
                statuses.append(answer.status_code)
                if answer.status_code == 200:
                    versions_seen.add(answer.json()["index"]["version"])
                    assert len(answer.json()["results"]) >= 39

        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(ask_on_and_on(number))
            for turn in range(1, 4):
                version = await platform.publish()
                await eventually(lambda version=version: version.version in versions_seen)
                await platform.add(40 + turn)
            done.set()
        assert set(statuses) == {200}
        assert versions_seen >= {"v1", "v2", "v3"}
        assert await index_of(client)
        assert settings.api_cache_dir is not None
        assert [path.name for path in (settings.api_cache_dir / "indexes").iterdir()] == ["v3"]
        await eventually(lambda: _has(client, version="v3", tracks=42, tail=1))


async def test_a_corrupt_version_is_refused_and_the_old_one_answers(
    real_platform: Platform, settings: ApiSettings, caplog: pytest.LogCaptureFixture
) -> None:
    platform = real_platform
    for number in range(10):
        await platform.add(number)
    await platform.publish()
    async with serving(create_app(settings)) as client:
        await eventually(lambda: _has(client, version="v1", tracks=10))
        await platform.publish(leave_out="vectors.npy")
        await eventually(lambda: "v2 is invalid" in caplog.text)
        await platform.add(10)
        await eventually(lambda: _has(client, version="v1", tracks=10, tail=1))
        assert len(await recommend(client, urn(0), 100)) == 10


async def test_another_model_switches_everything(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(6):
        await platform.add(number)
    await platform.publish()
    await eventually(lambda: _has(client, version="v1", tracks=6))
    await platform.register(OTHER_MODEL)
    await eventually(lambda: _has(client, model=OTHER_MODEL.model, version=None, tracks=0, tail=0))
    answer = await client.get("/recommend", params={"track": urn(0)})
    assert answer.status_code == 503
    assert answer.json()["state"] == "pending"
    await platform.extract(0, vector(100))
    await platform.extract(1, vector(101))
    await eventually(lambda: _has(client, tail=2))
    assert await recommend(client, urn(0), 100) == [urn(1)]
    await platform.register(MODEL)
    await eventually(lambda: _has(client, model=MODEL.model, version="v1", tracks=6))
    assert len(await recommend(client, urn(0), 100)) == 5


async def test_only_ready_tracks_are_recommended(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(4):
        await platform.add(number)
    # What is deleted before the API has seen it would never be in its tail.
    await eventually(lambda: _has(client, tail=4))
    await platform.pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", urn(1))
    await platform.pool.execute("DELETE FROM tracks WHERE urn = $1", urn(2))
    assert await recommend(client, urn(0)) == [urn(3)]


async def test_the_same_recording_comes_once(platform: Platform, client: httpx.AsyncClient) -> None:
    await platform.add(0, title="Same", isrc="GBAAA0000001")
    await platform.add(1, title="SAME", isrc="GBAAA0000001")
    await platform.add(2, vector(52), title="Sóng", artists=("X",))
    await platform.add(3, 2 * vector(52), title="SONG (Remastered 2011)", artists=("x",))
    await platform.add(4, title="Song - Live", artists=("X",))
    await platform.add(5, vector(55), duration_ms=200_000)
    await platform.add(6, 2 * vector(55), duration_ms=201_000)
    await eventually(lambda: _has(client, tail=7))
    results = await recommend(client, urn(0), 100)
    assert len(results) == 3
    assert urn(4) in results
    assert len({urn(2), urn(3)} & set(results)) == 1
    assert len({urn(5), urn(6)} & set(results)) == 1


async def test_what_people_paste_is_understood(platform: Platform, client: httpx.AsyncClient) -> None:
    permalink = "https://soundcloud.com/someone/some-track"
    await tracks.upsert(
        platform.pool, tracks.Track(tracks.TrackId("soundcloud", "7"), "Title", ("Artist",), link=permalink)
    )
    for pasted, expected in [
        (urn(0).upper().replace("FILE:TRACK", "file:track"), urn(0)),
        (f"  {urn(0)} ", urn(0)),
        (permalink + "?si=x", "soundcloud:tracks:7"),
    ]:
        await platform.add(0)
        for answer in (
            await client.get("/recommend", params={"track": pasted}),
            await client.get("/tracks/" + pasted.replace("?", "%3F")),
        ):
            body = answer.json()
            seeds = [seed["urn"] for seed in body.get("seeds", [])]
            assert expected in (body.get("urn"), body.get("track"), *seeds), body


async def test_a_track_is_shown_with_state_and_reason(platform: Platform, client: httpx.AsyncClient) -> None:
    await platform.add(
        0, album="Album", isrc="GBAAA0000001", duration_ms=1_000, tags=("calm",), model_tags=("jazz", "soul")
    )
    assert (await client.get(f"/tracks/{urn(0)}")).json() == {
        "urn": urn(0),
        "title": "Title 0",
        "artists": ["Artist 0"],
        "album": "Album",
        "link": "https://example.org/0",
        "source": "file",
        "duration_ms": 1_000,
        "isrc": "GBAAA0000001",
        "tags": ["jazz", "soul"],
        "source_tags": ["calm"],
        "state": "ready",
        "reason": None,
        "preview_provider": None,
        "match_method": None,
        "locations": [],
    }
    await tracks.upsert(platform.pool, tracks.Track(track_id(1), "Silent"))
    await tracks.mark_rejected(platform.pool, track_id(1), "the audio is silent")
    body = (await client.get(f"/tracks/{urn(1)}")).json()
    assert (body["state"], body["reason"], body["tags"]) == ("rejected", "the audio is silent", [])


async def test_an_answer_says_its_tags_and_those_it_shares(platform: Platform, client: httpx.AsyncClient) -> None:
    many = ("jazz", "soul", "funk", "blues", "oldies", "60s")
    await platform.add(0, model_tags=many)
    await platform.add(1, model_tags=("60s", "metal", "jazz"))
    await platform.add(2)
    await eventually(lambda: _has(client, tail=3))
    body = (await client.get("/recommend", params={"track": urn(0)})).json()
    assert body["seeds"][0]["tags"] == list(many[:5])
    by_urn = {result["urn"]: result for result in body["results"]}
    assert by_urn[urn(1)]["tags"] == ["60s", "metal", "jazz"]
    assert by_urn[urn(1)]["shared_tags"] == ["jazz", "60s"]
    assert (by_urn[urn(2)]["tags"], by_urn[urn(2)]["shared_tags"]) == ([], [])


async def test_answers_are_filtered_by_tags(platform: Platform, client: httpx.AsyncClient) -> None:
    await platform.add(0, model_tags=("metal",))
    await platform.add(1, model_tags=("jazz", "female-vocalists"))
    await platform.add(2, model_tags=("jazz",))
    await platform.add(3, model_tags=("rock",))
    await platform.publish()
    await platform.add(4, model_tags=("jazz", "rock"))
    await eventually(lambda: _has(client, version="v1", tail=1))

    async def recommended(**filters: str | list[str]) -> set[str]:
        return set(await recommend(client, urn(0), **filters))

    assert await recommended(tag="jazz") == {urn(1), urn(2), urn(4)}
    assert await recommended(tag=["jazz", "Female Vocalists"]) == {urn(1)}
    assert await recommended(tag="jazz", not_tag="rock") == {urn(1), urn(2)}
    assert await recommended(not_tag=["jazz", "metal"]) == {urn(3)}
    assert await recommended(tag="sad") == set()


async def test_a_model_without_tags_filters_none(platform: Platform, client: httpx.AsyncClient) -> None:
    await platform.register(OTHER_MODEL)
    await platform.add(0, model_tags=("jazz",))
    await eventually(lambda: _has(client, model=OTHER_MODEL.model, tail=1))
    answer = await client.get("/recommend", params={"track": urn(0), "tag": "jazz"})
    assert answer.status_code == 422
    assert "has no tags" in answer.json()["detail"]
    assert (await client.get(f"/tracks/{urn(0)}")).json()["tags"] == []


async def test_health_and_readiness(platform: Platform, client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json() == {
        "status": "ready",
        "index": {"model": MODEL.model, "version": None, "tracks": 0, "tail": 0},
        "missing": {},
    }


_HERE = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%index_versions%'"
_LISTENERS = f"SELECT count(*) {_HERE}"
_END_LISTENER = f"SELECT pg_terminate_backend(pid) {_HERE}"


async def _listens(platform: Platform) -> bool:
    return bool(await platform.pool.fetchval(_LISTENERS))


async def _has(client: httpx.AsyncClient, **expected: object) -> bool:
    index = await index_of(client)
    return bool(index) and all(index[name] == value for name, value in expected.items())


async def _recommends(client: httpx.AsyncClient, number: int, *, first: int) -> bool:
    return (await recommend(client, urn(number)))[:1] == [urn(first)]
