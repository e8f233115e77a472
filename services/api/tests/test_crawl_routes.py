"""Crawls that are started over HTTP: what may be named, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.api.app import create_app
from soundalike.api.settings import Access
from soundalike.db import api_keys, crawls, erasure, libraries
from soundalike.db.api_keys import Scope
from soundalike.testing.wait import eventually

from .conftest import is_ready, serving

if TYPE_CHECKING:
    import httpx

    from soundalike.api.settings import ApiSettings

    from .conftest import Platform

SPOTIFY_ID = "37i9dQZF1DXcBWIGoYBM5M"


@pytest.mark.parametrize(
    ("order", "source"),
    [
        ({"folder": "/music/Größe"}, {"kind": "folder", "name": "/music/Größe", "library": None}),
        ({"playlist": SPOTIFY_ID}, {"kind": "playlist", "name": f"spotify:playlist:{SPOTIFY_ID}", "library": None}),
        (
            {"playlist": " https://www.deezer.com/de/album/302127 "},
            {"kind": "playlist", "name": "deezer:album:302127", "library": None},
        ),
    ],
)
async def test_a_crawl_waits_for_a_watching_crawler(
    client: httpx.AsyncClient, order: dict[str, str], source: dict[str, Any]
) -> None:
    answer = await client.post("/crawls", json=order)
    assert answer.status_code == 202
    crawl = answer.json()
    assert (crawl["source"], crawl["state"], crawl["progress"], crawl["error"]) == (source, "waiting", {}, None)
    assert (await client.get(f"/crawls/{crawl['id']}")).json() == crawl
    assert (await client.post("/crawls", json=order)).json()["id"] == crawl["id"]
    assert (await client.get("/status")).json()["crawls"] == [crawl]
    stopped = await client.delete(f"/crawls/{crawl['id']}")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")


@pytest.mark.parametrize(
    "order",
    [
        {},
        [],
        {"folder": "/a", "playlist": SPOTIFY_ID},
        {"folder": "Music"},
        {"folder": "../Music"},
        {"folder": ""},
        {"folder": "/a\0b"},
        {"folder": "/" + "a" * 5000},
        {"library": 0},
        {"library": 10**12},
        {"playlist": "/etc/passwd"},
        {"playlist": "liste.m3u"},
        {"playlist": "soundcloud:users:1"},
        {"playlist": f"spotify:artist:{SPOTIFY_ID}"},
        {"playlist": "list:playlist:" + "0" * 64},
        {"playlist": "https://evil.example/playlist/1"},
        {"folder": "/a", "watched": True},
    ],
)
async def test_what_cannot_be_crawled_is_told_at_once(client: httpx.AsyncClient, order: Any) -> None:
    answer = await client.post("/crawls", json=order)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


async def test_a_library_is_known_by_its_id(platform: Platform, client: httpx.AsyncClient) -> None:
    assert (await client.post("/crawls", json={"library": 1})).status_code == 404
    async with platform.pool.acquire() as connection:
        library = (await libraries.register(connection, b"/music")).library
    crawl = (await client.post("/crawls", json={"library": library.id})).json()
    assert crawl["source"] == {"kind": "library", "name": "/music", "library": library.id}


async def test_a_folder_may_be_named_from_ones_home(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/me")
    started = await client.post("/crawls", json={"folder": "~/Music"})
    assert started.json()["source"]["name"] == "/srv/me/Music"
    assert (await client.post("/crawls", json={"folder": "~other/Music"})).status_code == 422


async def test_a_key_may_name_no_folder(platform: Platform, settings: ApiSettings) -> None:
    async with platform.pool.acquire() as connection:
        writer = await api_keys.add(connection, "writer", Scope.WRITE)
        library = (await libraries.register(connection, b"/music")).library
    headers = {"Authorization": f"Bearer {writer}"}
    # Behind a proxy that adds no header everybody looks like the person at this machine.
    for access, extra in ((Access.LOCAL, {"X-Forwarded-For": "203.0.113.1"}), (Access.KEYED, {})):
        app = create_app(settings.model_copy(update={"api_writes": access}), platform.store)
        async with serving(app) as client:
            await eventually(lambda client=client: is_ready(client))
            await eventually(
                lambda client=client, extra=extra: _is_accepted(client, {"library": library.id}, headers | extra)
            )
            refused = await client.post("/crawls", json={"folder": "/music"}, headers=headers | extra)
            assert (refused.status_code, refused.json()["title"]) == (403, "Folders only from this machine")
            assert await _is_accepted(client, {"playlist": SPOTIFY_ID}, headers | extra)


async def _is_accepted(client: httpx.AsyncClient, order: dict[str, Any], headers: dict[str, str]) -> bool:
    return (await client.post("/crawls", json=order, headers=headers)).status_code == 202


async def test_unknown_crawls_forgotten_lists_and_too_many(platform: Platform, client: httpx.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        assert (await client.request(method, "/crawls/7")).status_code == 404
    async with platform.pool.acquire() as connection:
        await erasure.forget_playlist(connection, f"spotify:playlist:{SPOTIFY_ID}")
    assert (await client.post("/crawls", json={"playlist": SPOTIFY_ID})).status_code == 410
    for number in range(crawls.MAX_WAITING):
        assert (await client.post("/crawls", json={"folder": f"/{number}"})).status_code == 202
    full = await client.post("/crawls", json={"folder": "/one more"})
    assert (full.status_code, "Retry-After" in full.headers) == (503, True)


async def test_a_page_of_somebody_else_starts_nothing(client: httpx.AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await client.post("/crawls", json={"folder": "/music"}, headers=headers)).status_code == 403
    assert (await client.get("/status")).json()["crawls"] == []
