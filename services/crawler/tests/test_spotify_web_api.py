from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from soundalike.crawler.settings import SpotifyAccess
from soundalike.crawler.sources.spotify_web_api import RATE_LIMIT_ATTEMPTS, SpotifyWebApi
from soundalike.http.errors import QuotaExhausted, ServiceRefused, ServiceUnavailable
from soundalike.retry import RetryPolicy
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID, FOREIGN_PLAYLIST_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.sandbox.server import SandboxServer

TRACK = pieces()[0].spotify_id
TRACKS = "/v1/tracks/*"
ITEMS = "/v1/playlists/*/items"


@pytest.fixture
def request_count(server: SandboxServer) -> Callable[[str], int]:
    return lambda path: len(server.sandbox.journal.read(path))


def with_refresh_token(access: SpotifyAccess, token: str, recorded_sleep: Any) -> SpotifyWebApi:
    personal = SpotifyAccess(
        client_id=access.client_id,
        client_secret=access.client_secret,
        refresh_token=SecretStr(token),
        api_url=access.api_url,
        token_url=access.token_url,
    )
    return SpotifyWebApi(personal, limiter=recorded_sleep, retry=RetryPolicy(sleep=recorded_sleep.sleep))


async def test_three_questions(api: SpotifyWebApi) -> None:
    assert set(await api.playlist(DEMO_PLAYLIST_ID)) == {"name", "snapshot_id"}
    page = await api.page(DEMO_PLAYLIST_ID, 40)
    assert (page["total"], len(page["items"]), page["offset"]) == (48, 8, 40)
    assert (await api.track(TRACK))["name"] == pieces()[0].title


async def test_a_token_that_ran_out_is_renewed_once(
    server: SandboxServer, api: SpotifyWebApi, request_count: Callable[[str], int]
) -> None:
    await api.track(TRACK)
    server.sandbox.tokens.expire_all()
    assert (await api.track(TRACK))["id"] == TRACK
    assert request_count("/api/token") == 2


async def test_the_owners_token_is_renewed_too(
    server: SandboxServer, access: SpotifyAccess, request_count: Callable[[str], int], recorded_sleep: Any
) -> None:
    with with_refresh_token(access, "sandbox-refresh", recorded_sleep) as api:
        await api.track(TRACK)
        server.sandbox.tokens.expire_all()
        assert (await api.track(TRACK))["id"] == TRACK
    assert request_count("/api/token") == 2


async def test_a_token_that_is_never_taken(
    server: SandboxServer, api: SpotifyWebApi, request_count: Callable[[str], int], recorded_sleep: Any
) -> None:
    server.sandbox.faults.add(Fault(path=TRACKS, status=401, times=None))
    with pytest.raises(ServiceRefused, match="rejects the access token"):
        await api.track(TRACK)
    assert (request_count("/v1/tracks"), request_count("/api/token")) == (2, 2)
    assert recorded_sleep.waits == []


async def test_wrong_credentials_are_named(server: SandboxServer, access: SpotifyAccess, recorded_sleep: Any) -> None:
    wrong = SpotifyAccess("sandbox", SecretStr("guess"), None, access.api_url, access.token_url)
    with (
        SpotifyWebApi(wrong) as api,
        pytest.raises(ServiceRefused, match="SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"),
    ):
        await api.track(TRACK)
    with (
        with_refresh_token(access, "stale", recorded_sleep) as api,
        pytest.raises(ServiceRefused, match="log in again"),
    ):
        await api.track(TRACK)


async def test_a_playlist_of_somebody_else_says_what_to_do(
    api: SpotifyWebApi, access: SpotifyAccess, recorded_sleep: Any
) -> None:
    with pytest.raises(ServiceRefused, match=r"403 Forbidden.*soundalike login spotify"):
        await api.page(FOREIGN_PLAYLIST_ID, 0)
    personal = with_refresh_token(access, "sandbox-refresh", recorded_sleep)
    with personal, pytest.raises(ServiceRefused, match="does not belong to the logged-in user"):
        await personal.page(FOREIGN_PLAYLIST_ID, 0)


async def test_nothing_there(api: SpotifyWebApi, recorded_sleep: Any) -> None:
    with pytest.raises(ServiceRefused, match=r"404 Resource not found.*nothing has this id"):
        await api.playlist("0" * 22)
    assert recorded_sleep.waits == []


async def test_a_short_wait_is_kept_by_everybody(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any
) -> None:
    server.sandbox.faults.add(Fault.rate_limited(ITEMS, retry_after=7, times=2))
    assert (await api.page(DEMO_PLAYLIST_ID, 0))["total"] == 48
    assert recorded_sleep.waits == [7.0, 7.0]


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}])
async def test_a_wait_of_unknown_length(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any, header: dict[str, str]
) -> None:
    server.sandbox.faults.add(Fault(path=TRACKS, status=429, headers=header))
    assert (await api.track(TRACK))["id"] == TRACK
    assert len(recorded_sleep.waits) == 1
    assert 1 <= recorded_sleep.waits[0] <= 60


@pytest.mark.parametrize(("seconds", "span"), [(61, "1 min"), (3_700, "1 h 2 min"), ("inf", "168 h 0 min")])
async def test_a_long_wait_ends_the_run(
    server: SandboxServer,
    api: SpotifyWebApi,
    recorded_sleep: Any,
    request_count: Callable[[str], int],
    seconds: float | str,
    span: str,
) -> None:
    server.sandbox.faults.add(Fault(path=ITEMS, status=429, headers={"Retry-After": str(seconds)}, times=None))
    with pytest.raises(QuotaExhausted, match=f"again in {span}"):
        await api.page(DEMO_PLAYLIST_ID, 0)
    # Other crawls, which share the limiter, keep a part of it.
    assert recorded_sleep.waits == [60.0]
    assert request_count(ITEMS.partition("*")[0]) == 1


async def test_a_spent_quota_ends_the_run_even_for_a_short_wait(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any, request_count: Callable[[str], int]
) -> None:
    server.sandbox.faults.add(Fault.quota_exceeded("/v1/*", retry_after=5))
    with pytest.raises(QuotaExhausted, match="quota is used up"):
        await api.track(TRACK)
    assert request_count("/v1/") == 1
    assert recorded_sleep.waits == []


async def test_waits_do_not_go_on_for_ever(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any, request_count: Callable[[str], int]
) -> None:
    server.sandbox.faults.add(Fault.rate_limited(TRACKS, retry_after=1, times=None))
    with pytest.raises(QuotaExhausted):
        await api.track(TRACK)
    assert request_count("/v1/tracks") == RATE_LIMIT_ATTEMPTS == 11
    assert recorded_sleep.waits == [1.0] * RATE_LIMIT_ATTEMPTS


async def test_the_token_endpoint_may_ask_for_a_pause_as_well(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any
) -> None:
    server.sandbox.faults.add(
        Fault(path="/api/token", status=429, headers={"Retry-After": "3"}, body={"error": "slow"})
    )
    assert (await api.track(TRACK))["id"] == TRACK
    assert recorded_sleep.waits == [3.0]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=TRACKS, status=500),
        Fault(path=TRACKS, status=502, body="<html>bad gateway</html>"),
        Fault(path=TRACKS, status=503, body={"error": "Service Unavailable"}),
        Fault(path=TRACKS, status=200, body="<html>log in to the hotel's network</html>"),
        Fault(path=TRACKS, status=200, body="[]"),
        Fault(path=TRACKS, status=200, body="[" * 100_000),
        Fault(path="/api/token", status=200, body={"access_token": None}),
        Fault(path="/api/token", status=200, body={"access_token": "t", "expires_in": 10**400}),
        Fault(path="/api/token", status=200, body={"access_token": "t\u20ac", "expires_in": 3600}),
        Fault(path="/api/token", status=500, body="oops"),
    ],
    ids=lambda fault: f"{fault.path} {fault.status} {str(fault.body)[:40]}",
)
async def test_trouble_is_tried_again_and_then_said(
    server: SandboxServer, api: SpotifyWebApi, recorded_sleep: Any, fault: Fault
) -> None:
    server.sandbox.faults.add(fault.model_copy(update={"times": 2}))
    assert (await api.track(TRACK))["id"] == TRACK
    assert len(recorded_sleep.waits) == 2
    server.sandbox.tokens.expire_all()
    api._tokens.invalidate()
    server.sandbox.faults.add(fault.model_copy(update={"times": None}))
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        await api.track(TRACK)


@pytest.mark.parametrize("status", [200, 400, 429, 503])
async def test_a_reply_without_an_end_is_not_read_to_its_end(
    server: SandboxServer, api: SpotifyWebApi, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    await api.track(TRACK)
    monkeypatch.setattr("soundalike.http.replies.MAX_BYTES", 100_000)
    server.sandbox.faults.add(Fault(path=TRACKS, status=status, body="[" * 200_000, times=None))
    with pytest.raises(ServiceRefused, match="Spotify answered with more than 100000 bytes"):
        await api.track(TRACK)


@pytest.mark.parametrize("body", [{"error": "forbidden"}, {"error": None}, {}, "no JSON", "[1]", '"text"'])
async def test_refusals_in_every_form(server: SandboxServer, api: SpotifyWebApi, body: Any) -> None:
    server.sandbox.faults.add(Fault(path=TRACKS, status=400, body=body))
    with pytest.raises(ServiceRefused, match="Spotify answered 400"):
        await api.track(TRACK)


async def test_a_redirect_is_not_followed_with_the_token(server: SandboxServer, api: SpotifyWebApi) -> None:
    server.sandbox.faults.add(Fault(path=TRACKS, status=302, headers={"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(ServiceRefused, match="answered 302"):
        await api.track(TRACK)
    assert not server.sandbox.journal.read("/elsewhere")


async def test_nobody_answers(access: SpotifyAccess, recorded_sleep: Any) -> None:
    nowhere = SpotifyAccess("a", SecretStr("b"), None, "http://127.0.0.1:9/v1/", "http://127.0.0.1:9/api/token")
    api = SpotifyWebApi(nowhere, retry=RetryPolicy(attempts=3, sleep=recorded_sleep.sleep))
    with api, pytest.raises(ServiceUnavailable, match="does not answer"):
        await api.track(TRACK)
    assert len(recorded_sleep.waits) == 2


async def test_the_refusals_of_spotify(server: SandboxServer, api: SpotifyWebApi, reply: Callable[[str], Any]) -> None:
    quota = reply("transcribed")["spotify_429_quota_exceeded"]
    server.sandbox.faults.add(Fault(path=TRACKS, status=429, headers=quota["headers"], body=reply("spotify-error-429")))
    with pytest.raises(QuotaExhausted, match=r"rate limit is reached.*14 h 36 min"):
        await api.track(TRACK)
    server.sandbox.faults.add(Fault(path=TRACKS, status=quota["status"], headers=quota["headers"], body=quota["body"]))
    with pytest.raises(QuotaExhausted, match=r"quota is used up.*14 h 36 min"):
        await api.track(TRACK)
    server.sandbox.faults.add(Fault(path=TRACKS, status=404, body=reply("spotify-error-404")))
    with pytest.raises(ServiceRefused, match="Resource not found"):
        await api.track(TRACK)


async def test_secrets_and_tokens_stay_out_of_the_log_and_the_folder(
    access: SpotifyAccess, server: SandboxServer, caplog: pytest.LogCaptureFixture, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO), SpotifyWebApi(access) as api:
        await api.track(TRACK)
        with pytest.raises(ServiceRefused) as refused:
            await api.page(FOREIGN_PLAYLIST_ID, 0)
    (token,) = server.sandbox.tokens._ends
    assert token not in caplog.text + str(refused.value)
    assert list(tmp_path.iterdir()) == []
