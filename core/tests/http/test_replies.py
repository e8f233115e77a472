from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from soundalike.http.errors import ServiceRefused, ServiceUnavailable
from soundalike.http.replies import is_transient, parse_json, retry_after_s, send

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)
URL = "http://service.example/things"


def client_of(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler), follow_redirects=True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("0", 0.0),
        ("-3", 0.0),
        ("Wed, 21 Oct 2026 07:28:40 GMT", 40.0),
        ("Wed, 21 Oct 2026 09:28:40 +0200", 40.0),
        ("Wednesday, 21-Oct-26 07:28:40 GMT", 40.0),
        ("Wed, 21 Oct 2026 07:28:40", 40.0),
        ("inf", 604_800.0),
        ("1e999", 604_800.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 604_800.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 99 Oct 2026 07:28:40 GMT", None),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("9" * 5_000 + " Oct 2026 07:28:40 GMT", None),
    ],
)
def test_retry_after_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_or_nested_too_deeply(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own message
        parse_json(body)


def test_whose_problem_a_status_tells() -> None:
    statuses = (200, 302, 403, 404, 408, 425, 429, 500, 503, 599)
    assert [status for status in statuses if is_transient(status)] == [408, 425, 500, 503, 599]


async def test_a_reply_is_read_whatever_its_status() -> None:
    async with client_of(lambda _: httpx.Response(418, headers={"X-Kind": "tea"}, content=b"short")) as client:
        reply = await send(client, "Kettle", "GET", URL)
    assert (reply.status, reply.headers["x-kind"], reply.body) == (418, "tea", b"short")


async def test_no_redirect_is_followed() -> None:
    async with client_of(lambda _: httpx.Response(302, headers={"Location": "http://elsewhere.example"})) as client:
        assert (await send(client, "Kettle", "GET", URL)).status == 302


async def test_a_body_without_an_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.http.replies.MAX_BYTES", 1_000)
    chunk_count = 0

    async def endless() -> Any:
        nonlocal chunk_count
        while True:
            chunk_count += 1
            yield b"x" * 100

    async with client_of(lambda _: httpx.Response(200, content=endless())) as client:
        with pytest.raises(ServiceRefused, match="Kettle answered with more than 1000 bytes"):
            await send(client, "Kettle", "GET", URL)
    assert chunk_count == 11


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (httpx.ReadTimeout("x"), "Kettle did not answer in time"),
        (httpx.ConnectError("no route"), "Kettle could not be reached: ConnectError no route"),
        (httpx.DecodingError("odd"), "Kettle could not be reached: DecodingError odd"),
    ],
)
async def test_a_service_that_does_not_answer_is_unavailable(error: httpx.HTTPError, text: str) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    async with client_of(fail) as client:
        with pytest.raises(ServiceUnavailable, match=f"^{text}$"):
            await send(client, "Kettle", "GET", URL)
