"""`not_like`: the tracks that results are not to sound like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundalike.db import favorites, playlists, tracks, users
from soundalike.db.playlists import Playlist
from soundalike.db.tracks import Track
from soundalike.db.users import User
from soundalike.testing.wait import eventually

from .conftest import Platform, index_of, recommend, track_id, urn, vector
from .test_problems import problem
from .test_recommender import UNLIMITED, Pool, at, entry, scattered

if TYPE_CHECKING:
    import httpx

PLAYLIST = "spotify:playlist:37i9dQZF1DXcBWIGoYBM5M"


def scores(pool: Pool, *seeds: int, **parameters: Any) -> dict[int, float]:
    results = pool.recommend(*seeds, n=100, **UNLIMITED, **parameters).tracks
    return {int(each.track.id.key, 16): each.score for each in results}


def odds(score: float) -> float:
    return score / (1 - score)


def test_the_odds_are_divided_by_those_with_the_nearest_counterexample_where_they_exceed_one() -> None:
    pool = Pool(scattered(60, dimensions=8))
    plain = scores(pool, 0)
    against = {number: scores(pool, number) for number in (1, 2)}
    results = scores(pool, 0, not_like=[1, 2])
    assert set(results) == set(plain) - {1, 2}
    for number, score in results.items():
        divisor = max(1.0, *(odds(against[other][number]) for other in (1, 2)))
        assert odds(score) == pytest.approx(odds(plain[number]) / divisor, rel=1e-3)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_no_score_grows_and_none_that_is_unlike_the_counterexample_changes(seed: int) -> None:
    pool = Pool(scattered(40, seed=seed, dimensions=6))
    plain, results, against = scores(pool, 0), scores(pool, 0, not_like=[1]), scores(pool, 1)
    assert all(results[number] <= plain[number] + 1e-6 for number in results)
    assert all(results[number] == plain[number] for number in results if against[number] < 0.5)
    assert list(results.values()) == sorted(results.values(), reverse=True)


def test_results_move_to_the_side_that_the_counterexample_is_not_on() -> None:
    pool = Pool(at(0.0, 0.3, 0.35, -0.4, -0.45, 0.25))
    assert pool.numbers(0, n=2, **UNLIMITED) == [5, 1]
    assert set(pool.numbers(0, n=2, not_like=[1], **UNLIMITED)) == {3, 4}


def test_neither_a_counterexample_nor_its_recording_is_a_result() -> None:
    known = [entry(number) for number in range(4)]
    known[2] = entry(2, title="Title 1", artists=("Artist 1",))
    pool = Pool(scattered(4), known)
    assert pool.numbers(0, n=9, not_like=[1], **UNLIMITED) == [3]
    assert [each.track.id.urn for each in pool.recommend(0, not_like=[1]).counterexamples] == [urn(1)]


def test_the_list_is_as_long_beside_a_counterexample_that_is_like_the_seed() -> None:
    rows = scattered(3_000, dimensions=8)
    rows[1] = np.float32(rows[0] + 0.05)
    pool = Pool(rows)
    usual, results = pool.recommend(0, min_score=0.5), pool.recommend(0, min_score=0.5, not_like=[1])
    assert len(results.tracks) == len(usual.tracks) == 10
    assert results.shortage is None


async def test_every_recommendation_takes_counterexamples(platform: Platform, client: httpx.AsyncClient) -> None:
    rows = {0: vector(1), 1: vector(2), 2: vector(2) + 0.1 * vector(5), 3: vector(1) + 0.3 * vector(2), 4: vector(3)}
    for number, row in rows.items():
        await platform.add(number, row)
    await eventually(lambda: _is_tail_of(client, 5))
    async with platform.pool.acquire() as connection:
        mine = Playlist(PLAYLIST, "spotify", "Mine", "s1")
        await playlists.replace(connection, mine, [(number, track_id(number)) for number in (0, 1)])
        await users.upsert(connection, [User("soundcloud:users:4")])
        await favorites.add(connection, [("soundcloud:users:4", urn(number)) for number in (0, 1)])
    paths = ("/recommend", f"/playlists/{PLAYLIST}/recommend", "/recommend")
    for path, query in zip(paths, ({"track": urn(0)}, {}, {"user": "4", "by": "sound"}), strict=True):
        body = (await client.get(path, params={**query, "not_like": urn(1), "n": 9})).json()
        assert [each["urn"] for each in body["not_like"]] == [urn(1)], path
        assert set(body["not_like"][0]) == {"urn", "title", "artists", "album", "link", "source", "tags"}
        assert urn(1) not in {each["urn"] for each in body["results"]}
        [like_it] = [each["score"] for each in body["results"] if each["urn"] == urn(2)]
        assert like_it < 0.5
    assert await recommend(client, urn(0), not_like=[urn(1), urn(2), urn(1)]) == [urn(3), urn(4)]


async def test_what_cannot_be_a_counterexample_is_refused_as_a_seed_is(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    for number in range(3):
        await platform.add(number)
    await eventually(lambda: _is_tail_of(client, 3))
    await tracks.upsert(platform.pool, Track(track_id(8), "Waits"))
    async with platform.pool.acquire() as connection:
        await playlists.replace(connection, Playlist(PLAYLIST, "spotify", "Mine", "s1"), [(0, track_id(0))])

    async def ask(path: str = "/recommend", **query: str | list[str]) -> httpx.Response:
        return await client.get(path, params=query)

    problem(await ask(track=urn(0), not_like=urn(9)), 404, "unknown-track")
    problem(await ask(track=urn(0), not_like=urn(8)), 503, "not-ready")
    problem(await ask(track=urn(0), not_like="harder better"), 422, "unparsable-track")
    problem(await ask(track=urn(0), not_like=urn(1), by="taste"), 404, "no-taste")
    for query in (
        {"track": urn(0), "not_like": [urn(0)]},
        {"track": urn(0), "not_like": [urn(number) for number in range(1, 22)]},
    ):
        body = problem(await ask(**query), 422, "invalid-request")
        assert body["errors"][0]["parameter"] == "not_like"
    body = problem(await ask(f"/playlists/{PLAYLIST}/recommend", not_like=urn(0)), 422, "invalid-request")
    assert body["errors"][0]["parameter"] == "not_like"


async def _is_tail_of(client: httpx.AsyncClient, count: int) -> bool:
    return (await index_of(client)).get("tail") == count
