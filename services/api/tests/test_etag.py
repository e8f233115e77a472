"""Answers that a client holds already are not sent again, and never used while they may be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, Response, StreamingResponse

from soundalike.api.middleware.etag import EtagMiddleware
from soundalike.testing.wait import eventually

from .conftest import Platform, urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cached_client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(middleware=[Middleware(GZipMiddleware, minimum_size=100), Middleware(EtagMiddleware, private=False)])
    texts = {"short": "s", "long": "l" * 1_000}

    @app.get("/{name}")
    async def show(name: str) -> str:
        return texts[name]

    @app.put("/{name}")
    async def change(name: str) -> Response:
        texts[name] += "!"
        return JSONResponse("changed")

    @app.get("/stream/{name}")
    async def stream(name: str) -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/own/{name}")
    async def own(name: str) -> Response:
        return Response("x", headers={"Cache-Control": "max-age=5", "ETag": '"mine"'})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as opened:
        yield opened


@pytest.mark.parametrize("name", ["short", "long"])
async def test_what_has_not_changed_is_not_sent_again(cached_client: httpx.AsyncClient, name: str) -> None:
    first = await cached_client.get(f"/{name}")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    again = await cached_client.get(f"/{name}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["cache-control"] == "no-cache"
    assert not {"content-length", "content-type", "content-encoding"} & set(again.headers)
    await cached_client.put(f"/{name}")
    changed = await cached_client.get(f"/{name}", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_tag_holds_for_the_compressed_and_for_the_plain_answer(cached_client: httpx.AsyncClient) -> None:
    plain = await cached_client.get("/long", headers={"Accept-Encoding": "identity"})
    packed = await cached_client.get("/long", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] == packed.headers["etag"]
    assert packed.json() == plain.json()


@pytest.mark.parametrize("sent", ["{tag}", '"other", {tag}', '{tag},"other"', "*", "{strong}", ' "other" ,  {strong} '])
async def test_every_way_of_naming_the_tag(cached_client: httpx.AsyncClient, sent: str) -> None:
    tag = (await cached_client.get("/short")).headers["etag"]
    requests = sent.format(tag=tag, strong=tag.removeprefix("W/"))
    assert (await cached_client.get("/short", headers={"If-None-Match": requests})).status_code == 304


@pytest.mark.parametrize("sent", ['"other"', "", 'W/""', "{tag}x", "W/*"])
async def test_another_tag_is_another_answer(cached_client: httpx.AsyncClient, sent: str) -> None:
    tag = (await cached_client.get("/short")).headers["etag"]
    answer = await cached_client.get("/short", headers={"If-None-Match": sent.format(tag=tag)})
    assert (answer.status_code, answer.json()) == (200, "s")


async def test_what_is_no_answer_to_a_question_is_not_stored(cached_client: httpx.AsyncClient) -> None:
    for answer in (
        await cached_client.put("/short"),
        await cached_client.post("/short"),
        await cached_client.get("/nothing/of/this/kind"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_what_comes_in_pieces_comes_as_it_is(cached_client: httpx.AsyncClient) -> None:
    answer = await cached_client.get("/stream/x", headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.text) == (200, "ab")
    assert "etag" not in answer.headers


async def test_a_route_may_know_better(cached_client: httpx.AsyncClient) -> None:
    answer = await cached_client.get("/own/x")
    assert (answer.headers["cache-control"], answer.headers["etag"]) == ("max-age=5", '"mine"')
    assert (await cached_client.get("/own/x", headers={"If-None-Match": '"mine"'})).status_code == 304


async def test_no_answer_outlives_a_new_track_or_a_forgotten_one(platform: Platform, client: httpx.AsyncClient) -> None:
    for number in range(3):
        await platform.add(number)
    etag = ""

    async def changed() -> bool:
        nonlocal etag
        answer = await client.get("/recommend", params={"track": urn(0)}, headers={"If-None-Match": etag})
        if answer.status_code != 200:
            return False
        etag = answer.headers["etag"]
        return True

    await eventually(changed)
    await eventually(lambda: _answers(client, 2))
    while await changed():
        pass
    await platform.pool.execute("UPDATE tracks SET title = 'Renamed' WHERE urn = $1", urn(1))
    assert await changed()
    assert not await changed()
    await platform.pool.execute("UPDATE tracks SET state = 'forgotten' WHERE urn = $1", urn(1))
    await eventually(changed)
    await platform.add(3)
    await eventually(changed)


async def _answers(client: httpx.AsyncClient, count: int) -> bool:
    answer = await client.get("/recommend", params={"track": urn(0)})
    return answer.status_code == 200 and len(answer.json()["results"]) == count


async def test_health_is_never_stored(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await client.get(path)).headers["cache-control"] == "no-store"
