"""Recommendations by who favourites what: alone, blended with the sound, for a user, and whom it was shared with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.api.app import create_app
from soundalike.db import favorites, tracks, users
from soundalike.db.tracks import Track
from soundalike.db.users import User
from soundalike.domain.track_id import TrackId
from soundalike.similarity.taste.manifest import SIMILARITIES
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, publish_taste, serving, track_id, urn, vector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    import httpx

    from soundalike.api.settings import ApiSettings

POLL_S = 0.05
NO_EMBEDDING = 50
"""The first track that is favourited and was never heard."""


def person(number: int) -> str:
    return f"soundcloud:users:{number}"


async def add_favourites(platform: Platform, who: Collection[int], what: Collection[int]) -> None:
    pairs = [(person(user), urn(number)) for user in who for number in what]
    await users.upsert(platform.pool, [User(user) for user, _ in pairs])
    await favorites.add(platform.pool, pairs)


async def fetch(
    client: httpx.AsyncClient, path: str = "/recommend", status: int = 200, **parameters: Any
) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    results: dict[str, Any] = answer.json()
    return results


def named(answer: dict[str, Any]) -> list[str]:
    return [result["urn"] for result in answer["results"]]


async def knows_taste(client: httpx.AsyncClient, version: str = "t1") -> bool:
    results = await client.get("/recommend", params={"track": urn(0), "by": "both"})
    return results.status_code == 200 and (results.json()["taste"] or {}).get("version") == version


@pytest.fixture
async def client(platform: Platform, settings: ApiSettings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Tracks 0 to 9 are heard, 50 to 53 are not; 0, 1, 2, 50 and 51 are of one taste, 6, 7 and 53 of another."""
    for number in range(10):
        await platform.add(number)
    # 3 sounds like 0, and nobody favourites it; so does 1, which is of the same taste.
    await platform.extract(3, vector(0) + 0.3 * vector(100))
    await platform.extract(1, vector(0) + 0.35 * vector(101))
    for number in range(NO_EMBEDDING, NO_EMBEDDING + 4):
        await tracks.upsert(platform.pool, Track(track_id(number), f"Title {number}", (f"Artist {number}",)))
    await add_favourites(platform, range(1, 7), [0, 1, 2, NO_EMBEDDING])
    await add_favourites(platform, range(1, 4), [NO_EMBEDDING + 1])
    await add_favourites(platform, range(11, 16), [6, 7, NO_EMBEDDING + 3])
    await add_favourites(platform, range(21, 40), [8])
    await publish_taste(platform.pool, platform.store, tmp_path, "t1")
    async with serving(create_app(settings, platform.store, poll_s=POLL_S)) as opened:
        await eventually(lambda: is_ready(opened))
        await eventually(lambda: knows_taste(opened))
        yield opened


async def test_without_a_word_it_is_the_sound(client: httpx.AsyncClient) -> None:
    results = await fetch(client, track=urn(0))
    assert results["taste"] is None
    assert all(result["by"] == ["sound"] for result in results["results"])
    assert all(result["scores"] == {"sound": result["score"]} for result in results["results"])
    assert results == await fetch(client, track=urn(0), by="sound", blend=0.9)


async def test_by_taste_come_the_favourites_of_the_same_people(client: httpx.AsyncClient) -> None:
    results = await fetch(client, track=urn(0), by="taste")
    assert set(named(results)) == {urn(1), urn(2), urn(NO_EMBEDDING), urn(NO_EMBEDDING + 1)}
    assert all(result["by"] == ["taste"] for result in results["results"])
    assert all(result["score"] == result["scores"]["taste"] > 0 for result in results["results"])
    assert results["results"][0]["why"] == "Favourited by the same people."
    assert results["taste"]["version"] == "t1"


async def test_both_is_made_of_both(client: httpx.AsyncClient) -> None:
    matches = await fetch(client, track=urn(0), by="both", blend=0.5, n=100)
    results = {result["urn"]: result for result in matches["results"]}
    assert results[urn(1)]["by"] == ["sound", "taste"]
    assert results[urn(3)]["by"] == ["sound"]
    assert results[urn(NO_EMBEDDING)]["by"] == ["taste"]
    assert named(matches)[0] == urn(1)
    both = results[urn(1)]
    odds = [score / (1 - score) for score in (both["scores"]["sound"], both["scores"]["taste"], both["score"])]
    assert odds[2] == pytest.approx((odds[0] * odds[1]) ** 0.5, rel=1e-3)
    assert [result["score"] for result in matches["results"]] == sorted(
        (result["score"] for result in matches["results"]), reverse=True
    )


async def test_the_blend_moves_from_one_to_the_other(client: httpx.AsyncClient) -> None:
    sound = await fetch(client, track=urn(0), by="both", blend=0, n=2)
    assert named(sound) == named(await fetch(client, track=urn(0), n=2))
    taste = await fetch(client, track=urn(0), by="both", blend=1, n=3)
    assert named(taste) == named(await fetch(client, track=urn(0), by="taste", n=3))


async def test_a_track_without_favourites_is_answered_by_its_sound(client: httpx.AsyncClient) -> None:
    both = await fetch(client, track=urn(4), by="both")
    assert both["results"] == (await fetch(client, track=urn(4)))["results"]
    refused = await fetch(client, track=urn(4), by="taste", status=404)
    assert refused["type"].endswith("no-taste")


async def test_a_seed_without_an_embedding_is_compared_by_taste(client: httpx.AsyncClient) -> None:
    both = await fetch(client, track=urn(NO_EMBEDDING), by="both")
    assert set(named(both)) == {urn(0), urn(1), urn(2), urn(NO_EMBEDDING + 1)}
    assert all(result["by"] == ["taste"] for result in both["results"])
    assert both["seeds"][0]["urn"] == urn(NO_EMBEDDING)
    refused = await fetch(client, track=urn(NO_EMBEDDING), status=503)
    assert refused["type"].endswith("not-ready")


@pytest.mark.parametrize("by", ["taste", "both"])
async def test_an_unknown_seed_is_refused(client: httpx.AsyncClient, by: str) -> None:
    results = await fetch(client, track=urn(99), by=by, status=404)
    assert results["type"].endswith("unknown-track")


async def test_several_seeds_of_which_one_has_an_embedding(client: httpx.AsyncClient) -> None:
    matches = await fetch(client, track=[urn(6), urn(NO_EMBEDDING)], by="both", n=100)
    results = {result["urn"]: result for result in matches["results"]}
    assert not {urn(6), urn(NO_EMBEDDING)} & results.keys()
    assert results[urn(7)]["by"] == ["sound", "taste"]
    assert results[urn(NO_EMBEDDING + 3)]["seed"] is None


async def test_forgotten_and_rejected_tracks_are_no_answers(client: httpx.AsyncClient, platform: Platform) -> None:
    gone, bad = urn(NO_EMBEDDING), urn(NO_EMBEDDING + 1)
    await platform.pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", gone)
    await platform.pool.execute("UPDATE tracks SET state = 'rejected', reason = 'silent' WHERE urn = $1", bad)
    for by in ("taste", "both"):
        assert not {gone, bad} & set(named(await fetch(client, track=urn(0), by=by, n=100)))
    assert not {gone, bad} & set(named(await fetch(client, user="11", by="both", n=100)))
    assert (await fetch(client, track=gone, by="taste", status=404))["state"] == "forgotten"


async def test_filters_hold_for_taste(client: httpx.AsyncClient, platform: Platform) -> None:
    results = await fetch(client, track=urn(0), by="taste", exclude=urn(1), n=2)
    assert len(results["results"]) == 2
    assert urn(1) not in named(results)
    assert named(await fetch(client, track=urn(0), by="taste", exclude_artist="artist 2", n=100)).count(urn(2)) == 0
    assert named(await fetch(client, track=urn(0), by="taste", min_score=0.999)) == []
    await platform.pool.execute("UPDATE tracks SET artists = ARRAY['One'] WHERE urn = ANY($1)", [urn(1), urn(2)])
    results = await fetch(client, track=urn(0), by="taste", max_per_artist=1)
    assert len({urn(1), urn(2)} & set(named(results))) == 1
    results = await fetch(client, track=urn(0), by="both", diversity=0.7, n=100)
    assert len(set(named(results))) == len(results["results"])


@pytest.mark.parametrize("form", ["m3u", "jspf", "csv"])
async def test_taste_comes_in_every_form(client: httpx.AsyncClient, form: str) -> None:
    answer = await client.get("/recommend", params={"user": "1", "format": form})
    assert answer.status_code == 200
    assert "Title 2" in answer.text or not answer.text.count("Title")


async def test_suggestions_go_with_the_favourites_and_are_none_of_them(
    client: httpx.AsyncClient, platform: Platform
) -> None:
    await add_favourites(platform, [70], [0, 1])
    for asking in ("70", person(70), "https://api.soundcloud.com/users/70"):
        results = await fetch(client, user=asking)
        assert set(named(results)) == {urn(2), urn(NO_EMBEDDING), urn(NO_EMBEDDING + 1)}
    assert results["user"] == {"urn": person(70), "favorites": 2}
    assert results["seeds"] == []
    assert all(result["by"] == ["taste"] for result in results["results"])
    by_sound = await fetch(client, user="70", by="sound")
    assert urn(3) in named(by_sound)
    assert not {urn(0), urn(1), urn(NO_EMBEDDING)} & set(named(by_sound))
    both = await fetch(client, user="70", by="both", n=100)
    assert {urn(2), urn(3), urn(NO_EMBEDDING)} <= set(named(both))


async def test_a_user_without_data_is_refused(client: httpx.AsyncClient, platform: Platform) -> None:
    assert (await fetch(client, user="999", status=404))["type"].endswith("unknown-user")
    await users.upsert(platform.pool, [User(person(71))])
    assert (await fetch(client, user="71", status=404))["type"].endswith("no-taste")
    assert (await fetch(client, user="anna", status=422))["type"].endswith("unparsable-user")


async def test_tracks_or_a_user_not_both_not_neither(client: httpx.AsyncClient) -> None:
    assert "user" in (await fetch(client, status=422))["detail"]
    await fetch(client, user="1", track=urn(0), status=422)
    await fetch(client, track=urn(0), blend=2, status=422)
    await fetch(client, track=urn(0), by="smell", status=422)


async def test_similar_users_share_favourites(client: httpx.AsyncClient, platform: Platform) -> None:
    results = await fetch(client, f"/users/{person(1)}/similar")
    assert results["user"] == person(1)
    assert results["results"][0] == {"urn": person(2), "shared": 5, "score": 1.0}
    assert results["results"][2] == {"urn": person(4), "shared": 4, "score": round(4 / 20**0.5, 6)}
    assert [each["urn"] for each in results["results"]] == [person(number) for number in range(2, 7)]
    assert len((await fetch(client, "/users/1/similar", n=2))["results"]) == 2
    assert (await fetch(client, "/users/999/similar", status=404))["type"].endswith("unknown-user")
    await users.upsert(platform.pool, [User(person(71))])
    assert (await fetch(client, "/users/71/similar"))["results"] == []


async def test_another_version_takes_over_and_a_broken_one_does_not(
    client: httpx.AsyncClient, platform: Platform, tmp_path: Path
) -> None:
    await add_favourites(platform, range(1, 7), [9])
    row = await publish_taste(platform.pool, platform.store, tmp_path, "t2")
    await eventually(lambda: knows_taste(client, "t2"))
    assert urn(9) in named(await fetch(client, track=urn(0), by="taste"))
    assert row.version == "t2"


async def test_an_altered_version_is_refused_and_the_one_before_answers(
    client: httpx.AsyncClient, platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upload = platform.store.upload

    async def altered(key: str, path: Path) -> None:
        if key.endswith(SIMILARITIES):
            await platform.store.put(key, (await asyncio.to_thread(path.read_bytes))[:-1] + b"!", "x/y")
        else:
            await upload(key, path)

    platform.store.upload = altered  # type: ignore[method-assign]
    await publish_taste(platform.pool, platform.store, tmp_path, "t2")
    await eventually(lambda: "taste version t2 is invalid" in caplog.text)
    assert await knows_taste(client, "t1")


async def test_tracks_of_the_catalogue_are_tracks_of_soundcloud_too(
    client: httpx.AsyncClient, platform: Platform, tmp_path: Path
) -> None:
    liked = TrackId("soundcloud", "1000000001")
    await tracks.upsert(platform.pool, Track(liked, "Liked", ("Somebody",), link="https://soundcloud.com/s/liked"))
    await favorites.add(platform.pool, [(person(user), liked.urn) for user in range(1, 7)])
    await publish_taste(platform.pool, platform.store, tmp_path, "t2")
    await eventually(lambda: knows_taste(client, "t2"))
    results = await fetch(client, track=urn(0), by="taste", source="soundcloud")
    assert named(results) == [liked.urn]
