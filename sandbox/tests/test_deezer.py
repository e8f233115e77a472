from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import (
    AWKWARD_PLAYLIST,
    DEMO_PLAYLIST,
    GENERATED_PLAYLISTS,
    album_key,
    artist_key,
)
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.quota import Quota
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.store_catalogues import GENERATED_KEYS, Availability, availability

PIECE = pieces()[0]
NO_DATA = {"error": {"type": "DataException", "message": "no data", "code": 800}}


@pytest.fixture
def get(server: SandboxServer, http: requests.Session) -> Iterator[Callable[..., Any]]:
    """Ask Deezer for a path; every answer has status 200."""
    before = server.sandbox.deezer.quota
    server.sandbox.deezer.quota = None

    def ask(path: str, **params: str | int) -> Any:
        reply = http.get(f"{server.deezer_url}{path}", params=params)
        assert reply.status_code == 200
        return reply.json()

    yield ask
    server.sandbox.deezer.quota = before


def keys(value: Any) -> set[str]:
    return set(value)


def test_objects_have_no_keys_that_deezer_does_not_send(get: Callable[..., Any], reply: Callable[[str], Any]) -> None:
    real_track = reply("deezer-track")
    rows = reply("deezer-playlist")
    track = get(f"track/isrc:{PIECE.isrc}")
    assert keys(track) <= keys(real_track)
    assert keys(track["artist"]) <= keys(real_track["artist"])
    assert keys(track["album"]) <= keys(real_track["album"])
    assert keys(track["contributors"][0]) <= keys(real_track["contributors"][0])
    page = get(f"playlist/{DEMO_PLAYLIST}/tracks")
    assert keys(page) <= keys(rows)
    assert keys(page["data"][0]) <= keys(rows["data"][0])
    search = get("search", q=PIECE.title)
    assert keys(search["data"][0]) <= keys(reply("deezer-search")["data"][0])
    for name in track:
        assert type(track[name]) is type(real_track[name]), name


def test_errors_equal_those_of_deezer(get: Callable[..., Any], reply: Callable[[str], Any]) -> None:
    assert get("album/-1") == reply("deezer-error-no-data")
    assert get("episode/-1") == reply("deezer-error-no-code")


def test_the_quota_error_equals_that_of_deezer(
    server: SandboxServer, get: Callable[..., Any], reply: Callable[[str], Any]
) -> None:
    server.sandbox.deezer.quota = Quota(2, 5.0, clock=lambda: 0.0)
    assert "error" not in get(f"track/isrc:{PIECE.isrc}")
    assert "error" not in get(f"track/isrc:{PIECE.isrc}")
    quota = reply("transcribed")["deezer_quota_http200"]["body"]
    assert get(f"track/isrc:{PIECE.isrc}") == quota


@pytest.mark.parametrize("path", ["track/5", "track/x", "track/isrc:ZZZZZ0000000", "playlist/5", "album/5", "artist/5"])
def test_unknown_ids(get: Callable[..., Any], path: str) -> None:
    assert get(path) == NO_DATA


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [("search", {}, 501), ("nowhere", {}, 600), (f"playlist/{DEMO_PLAYLIST}/tracks", {"limit": "many"}, 500)],
)
def test_invalid_requests(get: Callable[..., Any], path: str, params: dict[str, str], code: int) -> None:
    assert get(path, **params)["error"]["code"] == code


def test_pages(get: Callable[..., Any]) -> None:
    first = get(f"playlist/{DEMO_PLAYLIST}/tracks")
    assert (len(first["data"]), first["total"]) == (25, 48)
    assert first["next"].endswith(f"/deezer/playlist/{DEMO_PLAYLIST}/tracks?limit=25&index=25")
    last = get(f"playlist/{DEMO_PLAYLIST}/tracks", index=25, limit=25)
    assert len(last["data"]) == 23
    assert "next" not in last
    assert len(get(f"playlist/{GENERATED_PLAYLISTS + 300}/tracks", limit=500)["data"]) == 100


def test_the_checksum_changes_with_the_rows(server: SandboxServer, get: Callable[..., Any]) -> None:
    catalogue = server.sandbox.deezer.catalogue
    catalogue.add_playlist(77, "x", (None,))
    before = get("playlist/77")["checksum"]
    assert get("playlist/77")["checksum"] == before
    catalogue.add_playlist(77, "x", (None, None))
    assert get("playlist/77")["checksum"] != before


def test_an_awkward_playlist(get: Callable[..., Any]) -> None:
    rows = get(f"playlist/{AWKWARD_PLAYLIST}/tracks")["data"]
    assert rows[1] is None
    assert rows[2]["title"] == ""
    assert rows[3]["preview"] == ""
    assert rows[4]["readable"] is False
    assert rows[0] == {**rows[-1], "preview": rows[0]["preview"]}
    assert get(f"track/{rows[5]['id']}")["isrc"].islower()


def test_albums_have_isrcs_and_playlists_do_not(server: SandboxServer, get: Callable[..., Any]) -> None:
    one = server.sandbox.deezer.catalogue.by_isrc(PIECE.isrc)
    assert one is not None
    assert get(f"album/{album_key(one)}")["title"] == PIECE.album
    assert all("isrc" in row for row in get(f"album/{album_key(one)}/tracks")["data"])
    assert not any("isrc" in row for row in get(f"playlist/{DEMO_PLAYLIST}/tracks")["data"])
    assert get(f"artist/{artist_key(PIECE.artist)}")["name"] == PIECE.artist
    assert len(get(f"artist/{artist_key(PIECE.artist)}/top")["data"]) == 2


def test_search(get: Callable[..., Any]) -> None:
    for query in (f'artist:"{PIECE.artist}" track:"{PIECE.title}"', f"{PIECE.title} {PIECE.artist}".upper()):
        assert [row["title"] for row in get("search", q=query)["data"]] == [PIECE.title]
    assert get("search", q=f'artist:"Somebody" track:"{PIECE.title}"')["data"] == []


@pytest.mark.parametrize("number", range(40, 60))
def test_generated_tracks_have_their_availability(get: Callable[..., Any], number: int) -> None:
    by_isrc, by_key = get(f"track/isrc:ZZGEN{number:07d}"), get(f"track/{GENERATED_KEYS + number}")
    by_field = get("search", q=f'artist:"x" track:"take {number} of x"')["data"]
    by_words = get("search", q=f"x take {number} of x")["data"]
    how = availability(number)
    if how in {Availability.BY_ISRC, Availability.WITHOUT_PREVIEW}:
        assert by_isrc["id"] == by_key["id"] == by_words[0]["id"]
        assert (by_isrc["preview"] == "") is (how is Availability.WITHOUT_PREVIEW)
    elif how in {Availability.ITUNES_ONLY, Availability.NOWHERE}:
        assert by_isrc == by_key == NO_DATA
        assert by_field == by_words == []
    else:
        assert by_key["isrc"] != f"ZZGEN{number:07d}"
        assert by_words[0]["id"] == by_key["id"]
        assert (by_field == []) is (how is Availability.BY_WORDS)
        assert ("error" in by_isrc) is (how is not Availability.WRONG_ISRC)


def test_preview_urls_expire(server: SandboxServer, get: Callable[..., Any], http: requests.Session) -> None:
    track = get(f"track/{GENERATED_KEYS + 3}")
    assert http.get(track["preview"]).headers["content-type"] == "audio/mpeg"
    assert http.get(track["preview"].partition("?")[0]).status_code == 403
    assert http.post(f"{server.url}/deezer/_expire-previews").status_code == 204
    assert http.get(track["preview"]).status_code == 403
    assert http.get(get(f"track/{GENERATED_KEYS + 3}")["preview"]).status_code == 200


def test_faults_reach_deezer_too(server: SandboxServer, get: Callable[..., Any]) -> None:
    server.sandbox.faults.add(Fault(path="/deezer/track/*", status=200, body={"error": "Not Found"}))
    assert get("track/5") == {"error": "Not Found"}
    assert get("track/5") == NO_DATA
