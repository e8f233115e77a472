"""What every answer and every line of the log has: the id of the request."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware
from starlette.responses import StreamingResponse

from soundalike.api import exception_handlers
from soundalike.api.metrics import RequestMetrics
from soundalike.api.middleware.errors import ProblemMiddleware
from soundalike.api.middleware.request_log import RequestLogMiddleware
from soundalike.logs import JsonFormatter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

log = logging.getLogger("soundalike.api.somewhere")


class Lines(logging.Handler):
    """Keeps the lines as they would be written, in the place where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter("api"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    logger = logging.getLogger("soundalike.api")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def client(registry: CollectorRegistry) -> AsyncIterator[httpx.AsyncClient]:
    metrics = RequestMetrics(registry)
    app = FastAPI(middleware=[Middleware(RequestLogMiddleware, metrics=metrics), Middleware(ProblemMiddleware)])

    @app.get("/tracks/{urn:path}")
    async def show(urn: str, request: Request) -> str:
        log.info("inside")
        request.scope["caller"] = "a caller"
        return urn

    @app.get("/bug")
    async def fail() -> None:
        raise ZeroDivisionError("a secret of the program")

    @app.get("/healthz")
    async def alive() -> None:
        return

    exception_handlers.install(app, [])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as opened:
        yield opened


async def test_a_request_has_an_id_in_its_answer_and_in_every_line(
    client: httpx.AsyncClient, lines: list[dict[str, Any]]
) -> None:
    answer = await client.get("/tracks/a/b?track=private")
    results = answer.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", results)
    inside, after = lines
    assert (inside["message"], inside["request_id"]) == ("inside", results)
    assert after["request_id"] == results
    assert (after["method"], after["path"], after["route"]) == ("GET", "/tracks/a/b", "/tracks/{urn:path}")
    assert (after["status"], after["caller"]) == (200, "a caller")
    assert "private" not in json.dumps(lines)


async def test_ids_differ(client: httpx.AsyncClient) -> None:
    assert len({(await client.get("/tracks/1")).headers["x-request-id"] for _ in range(5)}) == 5


async def test_a_callers_own_id_is_taken_over(client: httpx.AsyncClient, lines: list[dict[str, Any]]) -> None:
    answer = await client.get("/tracks/1", headers={"X-Request-ID": "9af0:import.2026_11-21"})
    assert answer.headers["x-request-id"] == "9af0:import.2026_11-21"
    assert {line["request_id"] for line in lines} == {"9af0:import.2026_11-21"}


@pytest.mark.parametrize("request_id", ["", " ", "a b", "<script>", "x" * 65, "ä", "-x", 'a"b', "a,b"])
async def test_an_invalid_id_is_replaced(client: httpx.AsyncClient, request_id: str) -> None:
    answer = await client.get("/tracks/1", headers={"X-Request-ID": request_id.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


async def test_problems_name_the_request(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_bug_is_a_problem_and_a_traceback_in_the_log(
    client: httpx.AsyncClient, lines: list[dict[str, Any]], registry: CollectorRegistry
) -> None:
    answer = await client.get("/bug")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    traceback = next(line for line in lines if "exception" in line)
    assert "ZeroDivisionError" in traceback["exception"]
    assert traceback["request_id"] == answer.json()["request_id"] == answer.headers["x-request-id"]
    labels = {"method": "GET", "route": "/bug", "status": "500"}
    assert registry.get_sample_value("soundalike_requests_total", labels) == 1


async def test_half_an_answer_does_not_look_like_a_whole_one(registry: CollectorRegistry) -> None:
    app = FastAPI(
        middleware=[Middleware(RequestLogMiddleware, metrics=RequestMetrics(registry)), Middleware(ProblemMiddleware)]
    )

    @app.get("/half")
    async def break_off() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise ZeroDivisionError

        return StreamingResponse(half())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        with pytest.raises(ZeroDivisionError):
            await client.get("/half")


async def test_health_checks_do_not_fill_the_log(client: httpx.AsyncClient, lines: list[dict[str, Any]]) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert lines == []


async def test_labels_have_few_values(client: httpx.AsyncClient, registry: CollectorRegistry) -> None:
    for number in range(3):
        await client.get(f"/tracks/{number}")
        await client.get(f"/no/such/{number}")
        await client.request(f"ODD{number}", "/tracks/1")
    results = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"])
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "soundalike_requests_total"
    }
    assert results == {
        ("GET", "/tracks/{urn:path}", "200"),
        ("GET", "none", "404"),
        ("other", "/tracks/{urn:path}", "405"),
    }
    labels = {"method": "GET", "route": "/tracks/{urn:path}"}
    assert registry.get_sample_value("soundalike_request_duration_seconds_count", labels) == 3
    for goal in ("0.01", "0.06"):
        assert (
            registry.get_sample_value("soundalike_request_duration_seconds_bucket", {**labels, "le": goal}) is not None
        )
    assert registry.get_sample_value("soundalike_requests_in_progress") == 0
