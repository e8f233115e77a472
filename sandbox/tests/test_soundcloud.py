"""The invented SoundCloud: its pages contain the whole world, whatever its quirks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from soundalike.sandbox.quota import Quota
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.soundcloud import SoundCloud
from soundalike.sandbox.soundcloud_world import FIRST_TRACK, FIRST_USER, WorldSize, make_world
from soundalike.sandbox.state import Sandbox
from soundalike.testing.wait import scale

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = WorldSize(users=300, tracks=150, likes=4_000, deleted_share=0.05, private_share=0.05)
WORLD = make_world(SIZE)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(soundcloud=SoundCloud(SIZE))) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    response = httpx.post(
        f"{server.soundcloud_url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=("sandbox", "sandbox"),
    )
    headers = {"Authorization": f"OAuth {response.json()['access_token']}"}
    with httpx.Client(base_url=server.soundcloud_url, headers=headers, timeout=scale(60)) as client:
        yield client


def every_page(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    pages, query = [], {"linked_partitioning": "true", "limit": "20"}
    while True:
        page = client.get(path, params=query).raise_for_status().json()
        pages.append(page)
        if not page["next_href"]:
            return pages
        query = dict(httpx.URL(page["next_href"]).params)


def test_the_pages_of_likes_are_uneven_and_complete(client: httpx.Client) -> None:
    existing = [user for user in range(SIZE.users) if not WORLD.is_deleted[user]]
    pages_of = {
        user: every_page(client, f"/users/soundcloud:users:{FIRST_USER + user}/likes/tracks")
        for user in sorted(existing, key=lambda one: -len(WORLD.tracks_of[one]))[:12]
    }
    for user, pages in pages_of.items():
        tracks = [row["id"] - FIRST_TRACK for page in pages for row in page["collection"]]
        assert tracks == WORLD.tracks_of[user].tolist()
    unfinished = [page for pages in pages_of.values() for page in pages if page["next_href"]]
    assert any(len(page["collection"]) == 0 for page in unfinished)
    assert any(0 < len(page["collection"]) < 20 for page in unfinished)
    assert any("s-cloud.net" in page["next_href"] for page in unfinished)


def test_likes_and_likers_are_the_same_pairs() -> None:
    likes = {(user, int(track)) for user in range(SIZE.users) for track in WORLD.tracks_of[user]}
    likers = {(int(user), track) for track in range(SIZE.tracks) for user in WORLD.users_of[track]}
    assert likes == likers
    assert not any(WORLD.is_private[track] for _, track in likes)
    assert len(likes) > 0.9 * SIZE.likes


def test_a_few_are_stars_and_taste_has_communities() -> None:
    world = make_world(WorldSize(users=2_000, tracks=1_000, likes=30_000))
    fans = sorted((len(one) for one in world.users_of), reverse=True)
    assert sum(fans[:100]) > 0.3 * sum(fans)
    of_one_style = [
        (world.style_of[tracks] == world.style_of[tracks[0]]).mean() for tracks in world.tracks_of if len(tracks) > 5
    ]
    assert sum(of_one_style) / len(of_one_style) > 2 / 8


def test_a_walk_reaches_more_with_every_step() -> None:
    one, two, three = (WORLD.reachable(0, depth) for depth in (0, 1, 2))
    assert {user for user, _ in one} == {0}
    assert one < two < three


def test_deleted_accounts_and_private_tracks_are_not_found(client: httpx.Client) -> None:
    deleted, private = int(WORLD.is_deleted.argmax()), int(WORLD.is_private.argmax())
    assert client.get(f"/users/{FIRST_USER + deleted}/likes/tracks").status_code == 404
    assert client.get(f"/tracks/{FIRST_TRACK + private}").status_code == 404
    bulk = client.get("/tracks", params={"urns": f"soundcloud:tracks:{FIRST_TRACK + private},{FIRST_TRACK}"}).json()
    assert [row["id"] for row in bulk] == [FIRST_TRACK]


def test_urls_of_pages_are_resolved(client: httpx.Client) -> None:
    response = client.get("/resolve", params={"url": "https://soundcloud.com/listener-7"})
    assert (response.status_code, response.json()["status"]) == (302, "302 - Found")
    assert response.headers["Location"].endswith(f"/users/{FIRST_USER + 7}")
    assert client.get("/resolve", params={"url": "https://soundcloud.com/nobody"}).status_code == 404


def test_a_preview_is_reached_by_a_redirect_that_needs_no_token(client: httpx.Client) -> None:
    url = client.get(f"/tracks/{FIRST_TRACK}/streams").json()["preview_mp3_128_url"]
    redirect = client.get(url)
    assert redirect.status_code == 302
    audio = httpx.get(redirect.headers["Location"], timeout=scale(120))
    assert audio.headers["Content-Type"] == "audio/mpeg"
    assert len(audio.content) > 100_000


def test_tokens_expire_and_a_refresh_token_works_once(server: SandboxServer, client: httpx.Client) -> None:
    server.sandbox.soundcloud.tokens.expire_all()
    assert client.get("/users/1").status_code == 401
    token_url = f"{server.soundcloud_url}/oauth/token"
    first = httpx.post(token_url, data={"grant_type": "client_credentials"}, auth=("sandbox", "sandbox")).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert [httpx.post(token_url, data=form, auth=("sandbox", "sandbox")).status_code for _ in range(2)] == [200, 400]
    assert httpx.post(token_url, data=form, auth=("sandbox", "wrong")).status_code == 401


def test_too_many_requests_get_the_gateways_short_answer(server: SandboxServer, client: httpx.Client) -> None:
    server.sandbox.soundcloud.quota = Quota(1, 60.0)
    assert client.get(f"/tracks/{FIRST_TRACK}").status_code in {200, 404}
    response = client.get(f"/tracks/{FIRST_TRACK}")
    assert (response.status_code, response.json()) == (429, {"error": "Rate Limit Exceeded"})
    assert "Retry-After" not in response.headers


def test_a_limit_above_the_maximum_is_refused(client: httpx.Client) -> None:
    assert client.get(f"/users/{FIRST_USER}/likes/tracks", params={"limit": "201"}).status_code == 400
