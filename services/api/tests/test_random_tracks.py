"""`GET /random`: every track that is ready has the same chance."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from soundalike.api.snapshot import Snapshot
from soundalike.api.tail import Tail
from soundalike.db import erasure
from soundalike.db.embeddings import StoredVector
from soundalike.similarity.index.version import IndexVersion
from soundalike.similarity.projection import Projection
from soundalike.storage.artifacts.manifest import MANIFEST
from soundalike.storage.atomic_files import sha256_of
from soundalike.testing.wait import eventually

from .conftest import DIMENSIONS, MODEL, Platform, index_of, track_id, upload_version, urn, vector
from .test_problems import problem

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


async def draw(client: httpx.AsyncClient, n: int) -> list[str]:
    answer = await client.get("/random", params={"n": n})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return [track["urn"] for track in answer.json()["tracks"]]


async def test_tracks_that_are_ready_are_drawn(platform: Platform, client: httpx.AsyncClient) -> None:
    assert await draw(client, 3) == []
    for number in range(6):
        await platform.add(number, model_tags=["jazz"])
    await platform.publish()
    await eventually(lambda: _has(client, "tracks", 6))
    for number in (6, 7):
        await platform.add(number)
    await eventually(lambda: _has(client, "tail", 2))
    async with platform.pool.acquire() as connection:
        await erasure.forget_tracks(connection, [track_id(1)])
    await platform.pool.execute("UPDATE tracks SET state = 'queued' WHERE urn = $1", urn(2))
    expected = {urn(number) for number in (0, 3, 4, 5, 6, 7)}
    await eventually(lambda: _is_drawn(client, expected))
    assert len(await draw(client, 2)) == 2
    [track] = (await client.get("/random")).json()["tracks"]
    assert set(track) == {"urn", "title", "artists", "album", "link", "source", "tags"}


@pytest.mark.parametrize("query", ["n=0", "n=101", "n=2&n=3", "source=file"])
async def test_a_draw_that_is_wrong_says_where(client: httpx.AsyncClient, query: str) -> None:
    problem(await client.get(f"/random?{query}"), 422, "invalid-request")


async def test_every_track_has_the_same_chance(platform: Platform, tmp_path: Path) -> None:
    snapshot = await _snapshot(platform, tmp_path)
    counts = Counter(each for seed in range(6_000) for each in snapshot.random_urns(2, Random(seed)))
    expected = {urn(number) for number in (*range(4, 30), *range(40, 44))}
    assert set(counts) == expected
    # 12,000 draws of 30 tracks: 400 of each, with a standard deviation of less than 20.
    assert all(300 < count < 500 for count in counts.values()), counts


async def test_a_draw_of_all_has_each_track_once(platform: Platform, tmp_path: Path) -> None:
    snapshot = await _snapshot(platform, tmp_path)
    assert sorted(snapshot.random_urns(100, Random(1))) == [urn(number) for number in (*range(4, 30), *range(40, 44))]


async def test_a_draw_looks_at_few_of_many_rows(platform: Platform, tmp_path: Path) -> None:
    snapshot = await _snapshot(platform, tmp_path, tracks=2_000)
    rows: list[int] = []

    class CountingRandom(Random):
        def sample(self, population, k, *, counts=None):  # type: ignore[no-untyped-def]
            rows.append(k)
            return super().sample(population, k, counts=counts)

    assert len(snapshot.random_urns(1, CountingRandom(1))) == 1
    assert sum(rows) <= 64


async def _snapshot(platform: Platform, directory: Path, tracks: int = 30) -> Snapshot:
    """Tracks 0 to 29 are in a version, of which 0 to 3 are absent; 20 and 21 are in the tail too, 21 twice."""
    vectors = [StoredVector(number + 1, urn(number), vector(number)) for number in range(tracks)]
    await upload_version(platform.store, directory / "v1", "v1", MODEL, vectors)
    version = IndexVersion.open(directory / "v1", sha256_of(directory / "v1" / MANIFEST))
    tail = Tail(Projection.identity(DIMENSIONS), tracks)
    numbers = (40, 41, 42, 43, 44, 20, 21, 21)
    tail.extend([StoredVector(tracks + row, urn(number), vector(row)) for row, number in enumerate(numbers)])
    tail.forget([urn(44)])
    absent = frozenset(map(urn, range(4)))
    return Snapshot(MODEL, version, version.projection, tail.view(), absent, len(absent))


async def _has(client: httpx.AsyncClient, name: str, count: int) -> bool:
    return (await index_of(client)).get(name) == count


async def _is_drawn(client: httpx.AsyncClient, expected: set[str]) -> bool:
    return set(await draw(client, 50)) == expected
