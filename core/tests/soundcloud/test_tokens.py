from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from soundalike.http.errors import NotAllowed, RateLimited, ServiceUnavailable
from soundalike.soundcloud.access_tokens import Account, FileTokenStore, MemoryTokenStore, Token, TokenProvider
from soundalike.soundcloud.errors import UnreadableReply

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = Account("an-id", "a-secret")
INVALID_TOKENS = [
    "",
    "[]",
    "{}",
    '{"access_token": null, "expires_in": 3599}',
    '{"access_token": "", "expires_in": 3599}',
    '{"access_token": "a\\nb", "expires_in": 3599}',
    '{"access_token": "a\\ud800", "expires_in": 3599}',
    '{"access_token": "a\u20ac", "expires_in": 3599}',
    '{"access_token": "a", "refresh_token": 7, "expires_in": 3599}',
    '{"access_token": "a"}',
    '{"access_token": "a", "expires_in": "soon"}',
    '{"access_token": "a", "expires_in": NaN}',
    f'{{"access_token": "a", "expires_in": 1{"0" * 400}}}',
]


@dataclass
class TokenEndpoint:
    """Issues numbered tokens, and records the types of the grants."""

    now: float = 1_000_000.0
    grant_types: list[str] = field(default_factory=list)
    used_refresh_tokens: set[str] = field(default_factory=set)
    status: int = 200

    def reply(self, request: httpx.Request) -> httpx.Response:
        form = dict(httpx.QueryParams(request.content.decode()))
        assert request.headers["Authorization"].startswith("Basic ")
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "no"})
        if form.get("refresh_token") in self.used_refresh_tokens:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.used_refresh_tokens.add(form.get("refresh_token", ""))
        self.grant_types.append(form["grant_type"])
        number = len(self.grant_types)
        return httpx.Response(
            200, json={"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3599}
        )

    def provider(self, store: MemoryTokenStore | FileTokenStore | None = None) -> TokenProvider:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.reply))
        return TokenProvider(client, ACCOUNT, store or MemoryTokenStore(), clock=lambda: self.now)


async def test_a_token_is_used_until_shortly_before_it_expires_and_then_refreshed() -> None:
    endpoint = TokenEndpoint()
    provider = endpoint.provider()
    assert [await provider.current() for _ in range(3)] == ["access-1"] * 3
    endpoint.now += 3_550
    assert await provider.current() == "access-2"
    assert endpoint.grant_types == ["client_credentials", "refresh_token"]


async def test_a_refresh_token_that_was_used_falls_back_to_the_account() -> None:
    endpoint = TokenEndpoint()
    provider = endpoint.provider()
    await provider.current()
    endpoint.used_refresh_tokens.add("refresh-1")
    endpoint.now += 4_000
    assert await provider.current() == "access-2"
    assert endpoint.grant_types == ["client_credentials", "client_credentials"]


async def test_a_rejected_token_is_not_used_again() -> None:
    provider = TokenEndpoint().provider()
    provider.invalidate(await provider.current())
    assert await provider.current() == "access-2"


async def test_the_token_is_kept_between_runs_for_its_owner_only(tmp_path: Path) -> None:
    endpoint, file = TokenEndpoint(), tmp_path / "token.json"
    await endpoint.provider(FileTokenStore(file)).current()
    assert await endpoint.provider(FileTokenStore(file)).current() == "access-1"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"access": 1, "refresh": null, "expires_at": "soon"}'])
def test_a_file_that_makes_no_sense_is_no_token(tmp_path: Path, content: str) -> None:
    (tmp_path / "token.json").write_text(content)
    assert FileTokenStore(tmp_path / "token.json").load() is None


@pytest.mark.parametrize(("spread_s", "most"), [(60, 30), (800, 50)])
async def test_no_more_tokens_are_requested_than_are_issued(spread_s: float, most: int) -> None:
    endpoint = TokenEndpoint()
    provider = endpoint.provider()
    for _ in range(most):
        provider.invalidate(await provider.current())
        endpoint.now += spread_s
    with pytest.raises(RateLimited) as refusal:
        await provider.current()
    assert len(endpoint.grant_types) == most
    assert refusal.value.wait_s is not None
    endpoint.now += refusal.value.wait_s + 1
    assert await provider.current() == f"access-{most + 1}"


@pytest.mark.parametrize(
    ("status", "error"), [(401, NotAllowed), (403, NotAllowed), (503, ServiceUnavailable), (429, RateLimited)]
)
async def test_what_is_refused_and_what_may_be_tried_again(status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as refusal:
        await TokenEndpoint(status=status).provider().current()
    assert ACCOUNT.client_secret not in str(refusal.value)


@pytest.mark.parametrize("body", INVALID_TOKENS)
async def test_a_token_that_cannot_be_used_is_unreadable(body: str) -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=body)))
    store = MemoryTokenStore()
    with pytest.raises(UnreadableReply):
        await TokenProvider(client, ACCOUNT, store).current()
    assert store.token is None


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(ACCOUNT)
    assert "access" not in repr(Token("an-access", "a-refresh", 0.0)).replace("access=", "")
