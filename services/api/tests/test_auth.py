"""Who may call what, on an app of two routes behind the guard, and on the API with keys in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware

from soundalike.api.app import create_app
from soundalike.api.keyring import Keyring
from soundalike.api.locality import Locality
from soundalike.api.middleware.auth import AccessRules, AuthMiddleware
from soundalike.api.rate_limit import RateLimiter
from soundalike.api.settings import Access, MetricsAccess
from soundalike.db import api_keys
from soundalike.db.api_keys import Scope, ValidKey
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, serving, urn

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from soundalike.api.settings import ApiSettings

READER, WRITER = "soundalike_r", "soundalike_w"
KEYS = (
    ValidKey("r", api_keys.digest(READER), "somebody who reads", Scope.READ),
    ValidKey("w", api_keys.digest(WRITER), "somebody who writes", Scope.WRITE),
)


def client_of(
    reads: Access = Access.OPEN,
    writes: Access = Access.KEYED,
    metrics: MetricsAccess = MetricsAccess.KEYED,
    *,
    keyring: Keyring | None = None,
    per_minute: int = 100,
    origins: frozenset[str] = frozenset(),
    hosts: frozenset[str] | None = None,
) -> httpx.AsyncClient:
    rules = AccessRules(reads, writes, metrics, Locality(hosts, origins))
    rates = RateLimiter(per_minute, clock=lambda: 0.0)
    app = FastAPI(
        middleware=[Middleware(AuthMiddleware, rules=rules, keyring=keyring or Keyring(KEYS), rate_limiter=rates)]
    )

    @app.get("/recommend")
    @app.get("/healthz")
    @app.get("/metrics")
    async def read() -> str:
        return "read"

    @app.put("/tracks/1")
    async def write() -> str:
        return "written"

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example.org")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def problem_of(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:soundalike:problem:{kind}"
    return body


async def test_reading_is_open_and_writing_needs_a_key_that_may_write() -> None:
    async with client_of() as client:
        assert (await client.get("/recommend")).status_code == 200
        nothing = await client.put("/tracks/1")
        assert "soundalike keys add" in problem_of(nothing, 401, "key-wanted")["detail"]
        assert nothing.headers["www-authenticate"] == 'Bearer realm="soundalike"'
        unknown = await client.put("/tracks/1", headers=bearer("soundalike_x"))
        problem_of(unknown, 401, "key-wanted")
        assert 'error="invalid_token"' in unknown.headers["www-authenticate"]
        weak = await client.put("/tracks/1", headers=bearer(READER))
        problem_of(weak, 403, "key-too-weak")
        assert 'error="insufficient_scope"' in weak.headers["www-authenticate"]
        assert (await client.put("/tracks/1", headers=bearer(WRITER))).status_code == 200


@pytest.mark.parametrize(
    "header", [WRITER, f"Basic {WRITER}", "Bearer", f"Bearer {WRITER} {WRITER}", "Bearer " + "x" * 9000]
)
async def test_what_is_no_bearer_key_is_none(header: str) -> None:
    async with client_of() as client:
        problem_of(await client.put("/tracks/1", headers={"Authorization": header}), 401, "key-wanted")


async def test_reading_can_need_a_key_too_but_health_never_does() -> None:
    async with client_of(reads=Access.KEYED) as client:
        problem_of(await client.get("/recommend"), 401, "key-wanted")
        problem_of(await client.get("/no/such/address"), 401, "key-wanted")
        assert (await client.get("/healthz")).status_code == 200
        for key in (READER, WRITER):
            assert (await client.get("/recommend", headers=bearer(key))).status_code == 200


@pytest.mark.parametrize("reads", Access)
@pytest.mark.parametrize(
    ("metrics", "status"), [(MetricsAccess.OPEN, 200), (MetricsAccess.LOCAL, 401), (MetricsAccess.KEYED, 401)]
)
async def test_the_metrics_have_a_rule_of_their_own(reads: Access, metrics: MetricsAccess, status: int) -> None:
    async with client_of(reads=reads, metrics=metrics) as client:
        assert (await client.get("/metrics")).status_code == status
        assert (await client.get("/metrics", headers=bearer(READER))).status_code == 200


async def test_nobody_sends_a_file_only_to_be_refused() -> None:
    """The app is called as a server would, to see whether the body is asked for."""
    requests: list[str] = []
    answered: list[Message] = []

    async def receive() -> Message:
        requests.append("for the body")
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    async def reads_everything(_: AsgiScope, receive: Receive, __: Send) -> None:
        await receive()

    rules = AccessRules(Access.OPEN, Access.KEYED, MetricsAccess.OFF)
    app = AuthMiddleware(reads_everything, rules, Keyring(KEYS), RateLimiter(1))
    call = {"type": "http", "method": "POST", "path": "/recommend", "scheme": "http", "headers": []}
    await app({**call}, receive, send)
    assert (requests, answered[0]["status"]) == ([], 401)
    await app({**call, "headers": [(b"authorization", f"Bearer {WRITER}".encode())]}, receive, send)
    assert requests == ["for the body"]


async def test_a_holder_writes_so_often_a_minute_and_no_other_pays_for_it() -> None:
    async with client_of(per_minute=2) as client:
        for _ in range(2):
            assert (await client.put("/tracks/1", headers=bearer(WRITER))).status_code == 200
        answer = await client.put("/tracks/1", headers=bearer(WRITER))
        problem_of(answer, 429, "too-many-calls")
        assert answer.headers["retry-after"] == "30"
        assert (await client.get("/recommend", headers=bearer(WRITER))).status_code == 200
        problem_of(await client.put("/tracks/1", headers=bearer(READER)), 403, "key-too-weak")


async def test_before_the_keys_are_read_no_key_is_accepted_and_none_is_called_wrong() -> None:
    async with client_of(keyring=Keyring()) as client:
        answer = await client.put("/tracks/1", headers=bearer(WRITER))
        assert problem_of(answer, 503, "not-serving")["missing"].keys() == {"keys"}
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.get("/recommend")).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "http://api.example.org.evil.com"])
async def test_a_foreign_web_page_cannot_write_through_the_browser_of_who_runs_this(origin: str) -> None:
    async with client_of(writes=Access.OPEN) as client:
        problem_of(await client.put("/tracks/1", headers={"Origin": origin}), 403, "foreign-page")
        assert (await client.get("/recommend", headers={"Origin": origin})).status_code == 200
        assert (await client.put("/tracks/1", headers={"Origin": "http://api.example.org"})).status_code == 200
    async with client_of(writes=Access.OPEN, origins=frozenset({origin})) as client:
        assert (await client.put("/tracks/1", headers={"Origin": origin})).status_code == 200


@pytest.mark.parametrize(
    ("fields", "is_local"),
    [
        ({"Host": "localhost"}, True),
        ({"Host": "[::1]:8000"}, True),
        ({"Host": "192.168.1.2"}, False),
        ({"Host": "localhost", "X-Forwarded-For": "127.0.0.1"}, False),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-origin"}, True),
    ],
)
async def test_who_is_at_this_machine_needs_no_key(fields: dict[str, str], is_local: bool) -> None:
    async with client_of(Access.LOCAL, Access.LOCAL, MetricsAccess.LOCAL) as client:
        for method, path in (("GET", "/recommend"), ("GET", "/metrics"), ("PUT", "/tracks/1")):
            answer = await client.request(method, path, headers=fields)
            if is_local:
                assert answer.status_code == 200
            else:
                assert "localhost" in problem_of(answer, 401, "key-wanted")["detail"]
            assert (await client.request(method, path, headers={**fields, **bearer(WRITER)})).status_code == 200
        assert (await client.get("/healthz", headers=fields)).status_code == 200


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("key", [{}, bearer(WRITER)])
async def test_a_page_that_rebinds_its_name_gets_nothing(access: Access, key: dict[str, str]) -> None:
    """Its own name points to this machine now: to the browser it is one origin with the API."""
    page = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000", "Sec-Fetch-Site": "same-origin", **key}
    async with client_of(access, access, MetricsAccess(access.value), hosts=frozenset({"api.example.org"})) as client:
        for method, path in (("GET", "/recommend"), ("GET", "/metrics"), ("PUT", "/tracks/1"), ("GET", "/healthz")):
            answer = await client.request(method, path, headers=page)
            assert "evil.example" in problem_of(answer, 421, "unknown-host")["detail"]
            named = await client.request(method, path, headers={**page, "Host": "api.example.org"})
            assert named.status_code != 421


@pytest.mark.parametrize("access", [Access.OPEN, Access.LOCAL])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_page_that_sends_no_origin_is_known_by_what_the_browser_says(access: Access, site: str) -> None:
    page = {"Host": "localhost", "Sec-Fetch-Site": site}
    async with client_of(access, access, MetricsAccess.LOCAL) as client:
        problem_of(await client.put("/tracks/1", headers=page), 403, "foreign-page")
        problem_of(await client.get("/metrics", headers=page), 401, "key-wanted")


async def test_a_page_may_write_without_a_key_where_it_is_named_not_where_every_page_may_read() -> None:
    page = {"Host": "localhost", "Origin": "https://music.example.org"}
    async with client_of(Access.OPEN, Access.LOCAL, origins=frozenset({"*"})) as client:
        problem_of(await client.put("/tracks/1", headers=page), 401, "key-wanted")
        assert (await client.put("/tracks/1", headers={**page, **bearer(WRITER)})).status_code == 200
    async with client_of(Access.OPEN, Access.LOCAL, origins=frozenset({page["Origin"]})) as client:
        assert (await client.put("/tracks/1", headers=page)).status_code == 200


async def test_keys_are_made_and_revoked_while_the_api_runs(platform: Platform, settings: ApiSettings) -> None:
    await platform.add(0)
    keyed = settings.model_copy(update={"api_reads": Access.KEYED, "api_writes": Access.KEYED})
    async with serving(create_app(keyed, platform.store)) as client:
        await eventually(lambda: is_ready(client))

        async def answers(key: str, status: int) -> bool:
            return (await client.get(f"/tracks/{urn(0)}", headers=bearer(key))).status_code == status

        async with platform.pool.acquire() as connection:
            key = await api_keys.add(connection, "a test", Scope.READ)
        await eventually(lambda: answers(key, 200))
        assert await answers(key + "0", 401)
        assert (await client.get("/tracks")).headers["cache-control"] == "no-store"
        answer = await client.get(f"/tracks/{urn(0)}", headers=bearer(key))
        assert answer.headers["cache-control"].startswith("private")
        assert await api_keys.revoke(platform.pool, key.split("_")[1])
        await eventually(lambda: answers(key, 401))


async def test_the_contract_tells_of_keys_only_where_one_is_needed(settings: ApiSettings) -> None:
    everything_open = {"api_writes": Access.OPEN, "api_metrics": MetricsAccess.OPEN}
    paths = create_app(settings.model_copy(update=everything_open)).openapi()["paths"]
    assert "security" not in paths["/recommend"]["post"]
    # What changes the platform is never open to everybody.
    assert paths["/crawls"]["post"]["security"] == [{}, {"key": []}]
    specification = create_app(settings.model_copy(update={"api_reads": Access.KEYED})).openapi()
    assert specification["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert specification["paths"]["/recommend"]["get"]["security"] == [{"key": []}]
    assert "401" in specification["paths"]["/recommend"]["get"]["responses"]
    assert "security" not in specification["paths"]["/healthz"]["get"]
