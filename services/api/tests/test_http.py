"""What holds for every address: errors of HTTP itself, compression, web pages of other origins."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.api.app import create_app

from .conftest import Platform, serving, urn
from .test_problems import problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from soundalike.api.settings import ApiSettings


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("DELETE", "/recommend", 405),
        ("PATCH", "/tracks", 405),
        ("POST", "/healthz", 405),
        ("TRACE", "/recommend", 405),
        ("OPTIONS", "/recommend", 405),
        ("FETCH", "/recommend", 405),
    ],
)
async def test_errors_of_http_itself_are_problems(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    body = problem(answer, status, "http")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/healthz", f"/recommend?track={urn(0)}"])
async def test_an_unexpected_body_is_too_large(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.request("GET", path, content=b"x" * 70_000), 413, "http")
    assert (await client.request("GET", "/healthz", content=b"x" * 1_000)).status_code == 200


async def test_large_answers_are_compressed_for_those_who_can_read_it(client: httpx.AsyncClient) -> None:
    for path, packed in (("/openapi.json", True), ("/healthz", False)):
        async with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
            raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert (gzip.decompress(raw) if packed else raw) == plain.content


PAGE = "https://music.example.org"


@pytest.fixture
async def shared(platform: Platform, settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """An API that one web page may call."""
    async with serving(create_app(settings.model_copy(update={"cors_origins": (PAGE,)}), platform.store)) as opened:
        yield opened


async def test_no_web_page_may_read_unless_it_is_named(client: httpx.AsyncClient, shared: httpx.AsyncClient) -> None:
    closed = await client.get("/healthz", headers={"Origin": PAGE})
    assert not [name for name in closed.headers if name.startswith("access-control")]
    answer = await shared.get("/healthz", headers={"Origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]
    foreign = await shared.get("/healthz", headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_page_that_is_named_reads_errors_too(
    shared: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("soundalike.api.platform_connection.PlatformConnection.probe", fails)
    for path, status in (("/nothing", 404), ("/readyz", 500)):
        answer = await shared.get(path, headers={"Origin": PAGE})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (status, PAGE)
        assert answer.headers["cache-control"] == "no-store"


async def test_a_page_asks_before_it_writes(client: httpx.AsyncClient, shared: httpx.AsyncClient) -> None:
    asking = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,x-request-id",
    }
    allowed = await shared.options("/tracks/x", headers=asking)
    assert allowed.status_code == 200
    assert "PUT" in allowed.headers["access-control-allow-methods"]
    problem(await client.options("/tracks/x", headers=asking), 405, "http")
    foreign = await shared.options("/tracks/x", headers={**asking, "Origin": "https://evil.example.com"})
    assert foreign.status_code == 400


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/tracks", 200), (f"/tracks/{urn(77)}", 404), ("/nothing", 404)]
)
async def test_head_is_answered_as_get_is_without_the_body(client: httpx.AsyncClient, path: str, status: int) -> None:
    messages, shown = await client.head(path), await client.get(path)
    assert (messages.status_code, messages.content) == (status, b"")
    for name in ("content-type", "content-length", "etag", "cache-control"):
        if status == 200 or name != "content-length":  # an error holds the id of its request
            assert messages.headers.get(name) == shown.headers.get(name), name


async def test_head_is_seen_as_such_and_named_where_get_is(client: httpx.AsyncClient) -> None:
    await client.head("/tracks")
    assert (
        'soundalike_requests_total{method="HEAD",route="/tracks",status="200"} 1.0'
        in (await client.get("/metrics")).text
    )
    assert (await client.delete("/recommend")).headers["allow"] == "GET, HEAD, POST"
