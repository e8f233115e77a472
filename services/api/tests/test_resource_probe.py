from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from soundalike.api.app import create_app
from soundalike.api.resource_probe import ResourceProbe
from soundalike.testing.wait import eventually

from .conftest import is_ready, recommend, serving, urn

if TYPE_CHECKING:
    import httpx

    from soundalike.api.settings import ApiSettings

    from .conftest import Platform

BUCKET = {"bucket": "the bucket does not exist"}
AWAY = {"store": "the object store does not answer"}


async def test_it_looks_once_for_many_and_again_after_a_while() -> None:
    now, looks = 0.0, 0

    def look() -> dict[str, str]:
        nonlocal looks
        looks += 1
        return BUCKET

    probe = ResourceProbe(look, max_age_s=2.0, clock=lambda: now)
    assert await asyncio.gather(*(probe.problems() for _ in range(10))) == [BUCKET] * 10
    assert looks == 1
    now = 2.0
    await probe.problems()
    assert looks == 2


async def test_a_store_that_hangs_is_told_and_not_asked_twice() -> None:
    release, looks = threading.Event(), 0

    def look() -> dict[str, str]:
        nonlocal looks
        looks += 1
        release.wait()
        return {}

    probe = ResourceProbe(look, timeout_s=0.01, max_age_s=0.0)
    assert [await probe.problems() for _ in range(3)] == [AWAY] * 3
    assert looks == 1
    release.set()
    await eventually(lambda: _is_well(probe))


async def _is_well(probe: ResourceProbe) -> bool:
    return await probe.problems() == {}


async def test_without_a_bucket_a_loaded_index_answers_and_readyz_says_so(
    platform: Platform, settings: ApiSettings
) -> None:
    for number in range(3):
        await platform.add(number)
    await platform.publish()
    problems: dict[str, str] = {}
    app = create_app(settings, platform.store, look_at_resources=lambda: problems)
    async with serving(app) as client:
        await eventually(lambda: is_ready(client))
        problems.update(BUCKET)
        body = await eventually(lambda: _degraded(client))
        assert body["missing"] == BUCKET
        assert len(await recommend(client, urn(0))) == 2


async def test_without_an_index_what_is_missing_is_told_with_it(settings: ApiSettings, platform: Platform) -> None:
    async with platform.pool.acquire() as connection:
        await connection.execute("DELETE FROM models")
    async with serving(create_app(settings, platform.store, look_at_resources=lambda: AWAY)) as client:
        await eventually(lambda: _missing(client, {"space", "store"}))
        assert (await client.get("/readyz")).status_code == 503


async def test_a_version_whose_files_are_gone_is_told_while_everything_is_compared(
    platform: Platform, settings: ApiSettings
) -> None:
    for number in range(3):
        await platform.add(number)
    await platform.publish()
    async for stored in platform.store.list("indexes/"):
        await platform.store.delete(stored.key)
    async with serving(create_app(settings, platform.store)) as client:
        body = await eventually(lambda: _degraded(client))
        assert "cannot be used" in body["missing"]["index"]
        assert body["index"]["version"] is None
        assert len(await recommend(client, urn(0))) == 2
        await platform.publish()
        await eventually(lambda: _is_whole(client), "the version that was built again")


async def _missing(client: httpx.AsyncClient, parts: set[str]) -> bool:
    return (await client.get("/readyz")).json()["missing"].keys() == parts


async def _degraded(client: httpx.AsyncClient) -> dict[str, Any] | None:
    body = (await client.get("/readyz")).json()
    return body if body["status"] == "degraded" else None


async def _is_whole(client: httpx.AsyncClient) -> bool:
    body = (await client.get("/readyz")).json()
    return body["status"] == "ready" and body["index"]["version"] is not None and body["missing"] == {}
