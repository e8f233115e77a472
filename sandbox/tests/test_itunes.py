from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.quota import Quota
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.store_catalogues import Availability, availability

PIECE = pieces()[0]


@pytest.fixture
def unlimited(server: SandboxServer) -> Iterator[SandboxServer]:
    before = server.sandbox.itunes.quota
    server.sandbox.itunes.quota = None
    yield server
    server.sandbox.itunes.quota = before


def search(server: SandboxServer, http: requests.Session, term: str, **options: str) -> requests.Response:
    return http.get(f"{server.itunes_url}search", params={"term": term, "media": "music", "entity": "song", **options})


def test_rows_have_no_keys_that_apple_does_not_send(
    unlimited: SandboxServer, http: requests.Session, reply: Callable[[str], Any]
) -> None:
    response = search(unlimited, http, f"{PIECE.artist} {PIECE.title}")
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    song = reply("itunes-lookup")["results"][1]
    (row,) = response.json()["results"]
    assert set(row) <= set(song)
    assert row["trackTimeMillis"] == PIECE.duration_ms
    for name in row:
        assert type(row[name]) is type(song[name]), name


def test_too_many_requests_get_the_refusal_of_apple(
    server: SandboxServer, http: requests.Session, reply: Callable[[str], Any]
) -> None:
    refusal = reply("transcribed")["itunes_403_rate_limited"]
    before, server.sandbox.itunes.quota = server.sandbox.itunes.quota, Quota(1, 60.0, clock=lambda: 0.0)
    try:
        assert search(server, http, "x").status_code == 200
        response = search(server, http, "x")
    finally:
        server.sandbox.itunes.quota = before
    assert response.status_code == refusal["status"]
    assert response.text == refusal["body"]
    for name, value in refusal["headers"].items():
        assert response.headers[name] == value
    assert "retry-after" not in response.headers


def test_previews_are_aac(unlimited: SandboxServer, http: requests.Session) -> None:
    (row,) = search(unlimited, http, f"{PIECE.artist} {PIECE.title}").json()["results"]
    assert row["previewUrl"].endswith(".m4a")
    audio = http.get(row["previewUrl"])
    assert audio.headers["content-type"] == "audio/x-m4a"
    assert audio.content[4:8] == b"ftyp"
    assert http.get(row["previewUrl"]).content == audio.content
    assert http.get(f"{unlimited.itunes_url}preview/mzaf_0-5.m4a").status_code == 404


@pytest.mark.parametrize("number", range(20))
def test_generated_tracks_come_with_their_dj_mix(unlimited: SandboxServer, http: requests.Session, number: int) -> None:
    titles = [row["trackName"] for row in search(unlimited, http, f"take {number} of x").json()["results"]]
    assert len(titles) == (0 if availability(number) is Availability.NOWHERE else 2)
    assert not titles or titles[0] == f"{titles[1]} (Mixed)"


def test_lookup(unlimited: SandboxServer, http: requests.Session) -> None:
    (row,) = search(unlimited, http, f"{PIECE.artist} {PIECE.title}").json()["results"]
    reply = http.get(f"{unlimited.itunes_url}lookup", params={"id": row["trackId"]}).json()
    assert reply == {"resultCount": 1, "results": [row]}
    assert http.get(f"{unlimited.itunes_url}lookup", params={"isrc": PIECE.isrc}).json()["resultCount"] == 0


def test_a_limit_and_other_entities(unlimited: SandboxServer, http: requests.Session) -> None:
    assert len(search(unlimited, http, "", limit="3").json()["results"]) == 3
    assert search(unlimited, http, PIECE.title, entity="album").json()["resultCount"] == 0
