from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from soundalike.http.call_runner import CallRunner
from soundalike.http.errors import NotAllowed, QuotaExhausted, RateLimited, ServiceUnavailable
from soundalike.http.rate_limiter import UNLIMITED, InMemoryLimiter
from soundalike.soundcloud.access_tokens import Account, TokenProvider
from soundalike.soundcloud.connection import RETRY, Connection
from soundalike.soundcloud.errors import UnreadableReply

TOKEN_PATH = "/oauth/token"


@dataclass
class SoundCloudStub:
    """Replies in turn what stands in `replies` to API requests and in `token_replies` to token requests."""

    replies: list[httpx.Response] = field(default_factory=list)
    token_replies: list[httpx.Response] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path != TOKEN_PATH:
            return self.replies.pop(0) if self.replies else httpx.Response(200, json={"ok": True})
        if self.token_replies:
            return self.token_replies.pop(0)
        number = self.paths.count(TOKEN_PATH)
        return httpx.Response(200, json={"access_token": f"token-{number}", "expires_in": 3_599})

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    async def sleep(self, seconds: float) -> None:
        self.waits.append(round(seconds, 3))

    def connection(self) -> Connection:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.reply))
        tokens = TokenProvider(client, Account("an-id", "a-secret"), url=f"https://secure.example{TOKEN_PATH}")
        limiter = InMemoryLimiter(UNLIMITED, clock=lambda: 0.0, sleep=self.sleep)
        runner = CallRunner(limiter, replace(RETRY, sleep=self.sleep))
        return Connection(client, tokens, runner, "https://api.example")


async def test_a_rejected_token_is_replaced_once() -> None:
    stub = SoundCloudStub([httpx.Response(401)])
    assert await stub.connection().get("/me") == {"ok": True}
    assert stub.paths == [TOKEN_PATH, "/me", TOKEN_PATH, "/me"]
    assert [request.headers["Authorization"] for request in stub.requests[1::2]] == ["OAuth token-1", "OAuth token-2"]
    with pytest.raises(NotAllowed, match="does not allow /me: 401"):
        await SoundCloudStub([httpx.Response(401), httpx.Response(401)]).connection().get("/me")


async def test_five_tries_with_growing_waits() -> None:
    stub = SoundCloudStub([httpx.Response(status) for status in (500, 408, 425, 503, 502)])
    connection = stub.connection()
    with pytest.raises(ServiceUnavailable, match="answered /me with 502"):
        await connection.get("/me")
    assert connection.request_count == 5
    assert len(stub.waits) == 4
    assert all(0.5 * longest <= wait <= longest for wait, longest in zip(stub.waits, (1, 2, 4, 8), strict=True))


async def test_the_pause_of_a_header_and_of_a_body() -> None:
    stub = SoundCloudStub([httpx.Response(429, headers={"Retry-After": "7"})])
    assert await stub.connection().get("/me") == {"ok": True}
    assert stub.waits == [7.0]
    later = f"{datetime.now(UTC) + timedelta(hours=2):%Y/%m/%d %H:%M:%S} +0000"
    body = {"errors": [{"meta": {"rate_limit": {"group": "plays"}, "reset_time": later}}]}
    with pytest.raises(QuotaExhausted) as exhausted:
        await SoundCloudStub([httpx.Response(429, json=body)]).connection().get("/me")
    assert exhausted.value.wait_s == pytest.approx(7_200, abs=60)


async def test_a_rate_limit_that_stays_without_saying_for_how_long() -> None:
    stub = SoundCloudStub([httpx.Response(429) for _ in range(5)])
    with pytest.raises(RateLimited) as limited:
        await stub.connection().get("/me")
    assert type(limited.value) is RateLimited
    assert limited.value.wait_s is None


async def test_the_token_endpoint_is_tried_again_too() -> None:
    stub = SoundCloudStub(token_replies=[httpx.Response(503), httpx.Response(429, headers={"Retry-After": "3"})])
    assert await stub.connection().get("/me") == {"ok": True}
    assert stub.paths == [TOKEN_PATH] * 3 + ["/me"]
    assert stub.waits[1:] == [3.0]


@pytest.mark.parametrize("content", [b"<html>", b"[" * 100_000, json.dumps({"x": 1}).encode()[:-1]])
async def test_a_body_that_cannot_be_read(content: bytes) -> None:
    with pytest.raises(UnreadableReply, match="no JSON"):
        await SoundCloudStub([httpx.Response(200, content=content)]).connection().get("/me")
