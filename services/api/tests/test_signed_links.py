"""Links that let browsers in where they cannot send a key."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.middleware import Middleware

from soundalike.api import signed_links
from soundalike.api.keyring import Keyring
from soundalike.api.locality import Locality
from soundalike.api.metrics import RequestMetrics
from soundalike.api.middleware.auth import AccessRules, AuthMiddleware
from soundalike.api.middleware.request_log import RequestLogMiddleware
from soundalike.api.rate_limit import RateLimiter
from soundalike.api.settings import Access, MetricsAccess
from soundalike.api.signed_links import LinkPurpose, LinkSubject
from soundalike.db import api_keys
from soundalike.db.api_keys import Scope, ValidKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEY = ValidKey("0a", api_keys.digest("soundalike_a"), "somebody who reads", Scope.READ)
OTHER_KEY = ValidKey("0b", api_keys.digest("soundalike_b"), "somebody who writes", Scope.WRITE)
TRACK = LinkSubject(LinkPurpose.AUDIO, "file:track:" + "a" * 64)
EVENTS = LinkSubject(LinkPurpose.STATUS)


def client_of(keys: Iterable[ValidKey] = (KEY, OTHER_KEY), reads: Access = Access.OPEN) -> httpx.AsyncClient:
    rules = AccessRules(reads, Access.KEYED, MetricsAccess.KEYED, Locality())
    app = FastAPI(
        middleware=[
            Middleware(RequestLogMiddleware, metrics=RequestMetrics(CollectorRegistry())),
            Middleware(AuthMiddleware, rules=rules, keyring=Keyring(keys), rate_limiter=RateLimiter(100)),
        ]
    )

    @app.get("/audio/{urn:path}")
    @app.get("/status/events")
    @app.get("/tracks")
    async def read(request: Request) -> Any:
        return request.scope.get("caller")

    @app.post("/audio/{urn:path}")
    async def write() -> str:
        return "written"

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example.org")


def query_of(subject: LinkSubject = TRACK, *, key: ValidKey = KEY, lifetime_s: float = 60) -> str:
    return signed_links.sign(key, subject, lifetime_s=lifetime_s).text


def query_with(**changes: str) -> str:
    return urlencode({**dict(parse_qsl(query_of())), **changes})


async def test_a_link_lets_in_for_what_it_is_made_and_names_its_holder() -> None:
    async with client_of(reads=Access.KEYED) as client:
        assert (await client.get(f"/audio/{TRACK.name}?{query_of()}")).json() == KEY.holder
        assert (await client.get(f"/audio/{TRACK.name}?start=3&{query_of()}")).json() == KEY.holder
        assert (await client.get(f"/status/events?{query_of(EVENTS)}")).json() == KEY.holder


async def test_every_process_of_the_api_makes_and_knows_the_same_links() -> None:
    query = query_of()
    for _ in range(2):
        async with client_of() as client:
            assert (await client.get(f"/audio/{TRACK.name}?{query}")).status_code == 200


_AUDIO = f"/audio/{TRACK.name}"


# Made when they are used: a link holds the time, and the name of a test must not.
@pytest.mark.parametrize(
    ("path", "make_query", "reason"),
    [
        pytest.param(_AUDIO, lambda: query_of(lifetime_s=-2), "expired", id="expired"),
        pytest.param(_AUDIO, lambda: query_with(expires=str(int(time.time()) + 10_000)), "altered", id="prolonged"),
        pytest.param(_AUDIO, lambda: query_with(key="0b"), "altered", id="other key"),
        pytest.param(_AUDIO, lambda: query_with(key="0c"), "altered", id="unknown key"),
        pytest.param(_AUDIO, lambda: query_with(signature="0" * 64), "altered", id="other signature"),
        pytest.param(_AUDIO, lambda: query_with(signature=""), "altered", id="empty signature"),
        pytest.param(_AUDIO, lambda: query_with(signature="\N{SNOWMAN}"), "altered", id="snowman"),
        pytest.param(
            _AUDIO, lambda: query_with(expires="\N{ARABIC-INDIC DIGIT NINE}" * 10), "altered", id="other digits"
        ),
        pytest.param(_AUDIO, lambda: query_with(expires="never"), "altered", id="never"),
        pytest.param(_AUDIO, lambda: f"{query_of()}&{query_of(key=OTHER_KEY)}", "incomplete", id="two links"),
        pytest.param(_AUDIO, lambda: query_of().partition("&")[2], "incomplete", id="without a time"),
        pytest.param("/audio/file:track:" + "b" * 64, query_of, "altered", id="other track"),
        pytest.param(f"{_AUDIO}/../" + "b" * 64, query_of, "altered", id="path of two steps"),
        pytest.param(
            _AUDIO, lambda: query_of(LinkSubject(LinkPurpose.STATUS, TRACK.name)), "altered", id="other purpose"
        ),
        pytest.param("/status/events", query_of, "altered", id="events by a link to sound"),
    ],
)
async def test_a_link_that_is_forged_expired_or_for_something_else_lets_nobody_in(
    path: str, make_query: Callable[[], str], reason: str
) -> None:
    async with client_of(reads=Access.KEYED) as client:
        answer = await client.get(f"{path}?{make_query()}")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:soundalike:problem:invalid-link")
        assert reason in answer.json()["detail"]


async def test_a_key_that_is_revoked_ends_its_links_and_no_others() -> None:
    async with client_of([OTHER_KEY]) as client:
        assert (await client.get(f"/audio/{TRACK.name}?{query_of()}")).status_code == 403
        assert (await client.get(f"/audio/{TRACK.name}?{query_of(key=OTHER_KEY)}")).status_code == 200


async def test_a_link_reads_and_nothing_else() -> None:
    query = query_of(key=OTHER_KEY)
    async with client_of(reads=Access.KEYED) as client:
        assert (await client.post(f"/audio/{TRACK.name}?{query}")).status_code == 401
        assert (await client.get(f"/tracks?{query}")).status_code == 401


@pytest.mark.parametrize("reads", Access)
@pytest.mark.parametrize("path", ["/audio/x", "/audio-links/x"])
async def test_sound_is_for_local_callers_and_those_with_a_key_whatever_else_is_open(reads: Access, path: str) -> None:
    rules = AccessRules(reads, Access.OPEN, MetricsAccess.OPEN)
    assert rules.access("GET", path)[0] is (Access.KEYED if reads is Access.KEYED else Access.LOCAL)
    async with client_of(reads=reads) as client:
        assert (await client.get("/audio/x")).status_code == 401
        assert (await client.get("/audio/x", headers={"Host": "localhost", "Forwarded": "for=::1"})).status_code == 401


def test_who_needs_no_key_gets_a_link_without_a_signature() -> None:
    assert signed_links.sign(None, TRACK, lifetime_s=60).text == ""


async def test_the_log_shows_no_signature(caplog: pytest.LogCaptureFixture) -> None:
    query = query_of()
    with caplog.at_level(logging.DEBUG):
        async with client_of() as client:
            await client.get(f"/audio/{TRACK.name}?{query}")
            await client.get(f"/audio/{TRACK.name}?{query}0")
    lines = [record for record in caplog.records if record.name.startswith("soundalike")]
    assert [record.levelno for record in lines] == [logging.INFO, logging.INFO]
    assert not [record for record in lines if "signature" in f"{record.getMessage()} {vars(record)}"]
