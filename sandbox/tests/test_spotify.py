from collections.abc import Callable
from typing import Any

import pytest
import requests
import spotipy
from spotipy.oauth2 import SpotifyOAuth, SpotifyOauthError

from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, FOREIGN_PLAYLIST_ID, generated_playlist
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.settings import PageShape, SandboxSettings
from soundalike.sandbox.state import Sandbox

Connect = Callable[..., spotipy.Spotify]


def entries(spotify: spotipy.Spotify, playlist: str, **options: Any) -> list[dict[str, Any]]:
    page = spotify.playlist_items(playlist, **options)
    rows = list(page["items"])
    while page["next"]:
        page = spotify.next(page)
        rows += page["items"]
    assert len(rows) == page["total"]
    return rows


@pytest.mark.parametrize("limit", [1, 7, 48, 100])
def test_pages_are_complete(spotify: spotipy.Spotify, server: SandboxServer, limit: int) -> None:
    rows = entries(spotify, DEMO_PLAYLIST_ID, limit=limit, market="NL")
    assert sorted(entry["item"]["id"] for entry in rows) == sorted(piece.spotify_id for piece in pieces())
    page_requests = server.sandbox.journal.read("/v1/playlists/")
    assert len(page_requests) == -(-48 // limit)
    assert all("market=NL" in request.query for request in page_requests)


def test_previous_page(spotify: spotipy.Spotify) -> None:
    page = spotify.playlist_items(DEMO_PLAYLIST_ID, limit=10, offset=15)
    assert spotify.previous(page)["offset"] == 5
    assert spotify.playlist_items(DEMO_PLAYLIST_ID, limit=10)["previous"] is None


def test_both_forms_of_entries(server: SandboxServer, client: Connect) -> None:
    new = client(server).playlist_items(DEMO_PLAYLIST_ID)["items"]
    assert all(entry["item"] == entry["track"] for entry in new)
    with SandboxServer(Sandbox(SandboxSettings(page_shape=PageShape.TRACK))) as older:
        old = client(older).playlist_items(DEMO_PLAYLIST_ID)["items"]
    assert not any("item" in entry for entry in old)
    assert [entry["track"]["id"] for entry in old] == [entry["item"]["id"] for entry in new]


def test_the_old_path_has_the_old_form(spotify: spotipy.Spotify) -> None:
    page = spotify._get(f"playlists/{DEMO_PLAYLIST_ID}/tracks", limit=5)
    assert "/tracks?" in page["next"]
    assert [set(entry) & {"item", "track"} for entry in page["items"]] == [{"track"}] * 5


def test_awkward_entries(spotify: spotipy.Spotify) -> None:
    items = [entry["item"] for entry in entries(spotify, AWKWARD_PLAYLIST_ID)]
    plain, local, episode, null, tombstone, again, relinked, lower, without, empty, last = items
    assert plain == again != last
    assert local["is_local"]
    assert local["id"] is None
    assert local["uri"] == "spotify:local:Me+%26+the+Kettle:Unreleased:Kitchen+Demo+No.+2:273"
    assert episode["type"] == "episode"
    assert "external_ids" not in episode
    assert null is None
    assert (tombstone["name"], tombstone["duration_ms"], tombstone["external_ids"]) == ("", 0, {})
    assert relinked["linked_from"]["id"] != relinked["id"]
    assert lower["external_ids"]["isrc"].startswith("zzsbx")
    assert without["preview_url"] is None
    assert empty["preview_url"] == ""


def test_episodes_come_only_on_request(spotify: spotipy.Spotify) -> None:
    rows = entries(spotify, AWKWARD_PLAYLIST_ID, additional_types=("track",))
    assert [entry["item"] for entry in rows].count(None) == 2


def test_fields_select(spotify: spotipy.Spotify) -> None:
    assert set(spotify.playlist(DEMO_PLAYLIST_ID, fields="snapshot_id")) == {"snapshot_id"}
    page = spotify.playlist_items(DEMO_PLAYLIST_ID, fields="items(item(id)),next", limit=2)
    assert set(page) == {"items", "next"}
    assert [list(entry) for entry in page["items"]] == [["item"], ["item"]]
    with pytest.raises(spotipy.SpotifyException, match="Invalid fields") as caught:
        spotify.playlist(DEMO_PLAYLIST_ID, fields="a(")
    assert caught.value.http_status == 400


def test_playlist_embeds_its_first_page(spotify: spotipy.Spotify) -> None:
    playlist = spotify.playlist(generated_playlist(130).spotify_id)
    assert playlist["items"]["total"] == 130
    assert len(playlist["items"]["items"]) == 100
    assert spotify.next(playlist["items"])["offset"] == 100


def test_single_track(spotify: spotipy.Spotify) -> None:
    piece = pieces()[17]
    track = spotify.track(f"spotify:track:{piece.spotify_id}")
    assert track["name"] == piece.title
    assert track["external_ids"] == {"isrc": piece.isrc}
    assert [artist["name"] for artist in track["artists"]] == [piece.artist]


def test_preview_is_mp3_and_the_page_of_a_track_redirects_to_it(
    spotify: spotipy.Spotify, server: SandboxServer, http: requests.Session
) -> None:
    track = spotify.track(pieces()[26].spotify_id)
    assert track["preview_url"].startswith(f"{server.url}/mp3-preview/")
    reply = http.get(track["preview_url"])
    assert reply.headers["Content-Type"] == "audio/mpeg"
    assert int(reply.headers["Content-Length"]) == len(reply.content) > 200_000
    assert reply.content[:1] == b"\xff"
    assert http.get(track["external_urls"]["spotify"]).content == reply.content
    assert http.get(f"{server.url}/mp3-preview/{'0' * 40}").status_code == 404
    assert http.get(f"{server.url}/mp3-preview/nonsense").status_code == 404


def test_generated_previews_are_distinct_bytes(spotify: spotipy.Spotify, http: requests.Session) -> None:
    rows = entries(spotify, generated_playlist(49).spotify_id)
    first, last = (http.get(rows[place]["item"]["preview_url"]).content for place in (0, 48))
    assert first != last
    assert first[:3] == last[:3] == b"ID3"


def test_wrong_secret(server: SandboxServer, client: Connect) -> None:
    with pytest.raises(SpotifyOauthError, match="Invalid client secret") as caught:
        client(server, secret="guess").track(pieces()[0].spotify_id)
    assert caught.value.error == "invalid_client"
    with pytest.raises(SpotifyOauthError, match="invalid_client"):
        client(server, client_id="nobody").track(pieces()[0].spotify_id)


@pytest.mark.parametrize(("refresh", "error"), [("sandbox-refresh", None), ("stale", "invalid_grant")])
def test_refresh_token(server: SandboxServer, http: requests.Session, refresh: str, error: str | None) -> None:
    class Owner(SpotifyOAuth):
        OAUTH_TOKEN_URL = server.token_url

    owner = Owner("sandbox", "sandbox", "http://127.0.0.1:9/callback", cache_handler=spotipy.MemoryCacheHandler())
    owner._session.close()
    owner._session = http
    if error is None:
        token = owner.refresh_access_token(refresh)
        assert token["token_type"] == "Bearer"
        spotify = spotipy.Spotify(auth=token["access_token"], requests_session=http)
        spotify.prefix = server.api_url
        assert spotify.playlist_items(DEMO_PLAYLIST_ID)["total"] == 48
    else:
        with pytest.raises(SpotifyOauthError) as caught:
            owner.refresh_access_token(refresh)
        assert caught.value.error == error


def test_unknown_grant(server: SandboxServer, http: requests.Session) -> None:
    for data in ({}, {"grant_type": "password"}):
        reply = http.post(server.token_url, data=data, auth=("sandbox", "sandbox"))
        assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("authorization", "message"),
    [(None, "No token provided"), ("Bearer x", "Invalid access token"), ("Basic eDp5", "Invalid access token")],
)
def test_without_a_good_token(
    server: SandboxServer, http: requests.Session, authorization: str | None, message: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    reply = http.get(f"{server.api_url}tracks/{pieces()[0].spotify_id}", headers=headers)
    assert reply.json() == {"error": {"status": 401, "message": message}}
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_tokens_expire(server: SandboxServer, spotify: spotipy.Spotify) -> None:
    spotify.track(pieces()[0].spotify_id)
    server.sandbox.tokens.expire_all()
    with pytest.raises(spotipy.SpotifyException, match="The access token expired") as caught:
        spotify.track(pieces()[0].spotify_id)
    assert caught.value.http_status == 401


def test_the_lifetime_of_tokens_is_a_setting(client: Connect) -> None:
    with (
        SandboxServer(Sandbox(SandboxSettings(token_lifetime=0))) as server,
        pytest.raises(spotipy.SpotifyException, match="expired"),
    ):
        client(server).track(pieces()[0].spotify_id)


def test_playlist_of_somebody_else(spotify: spotipy.Spotify) -> None:
    playlist = spotify.playlist(FOREIGN_PLAYLIST_ID)
    assert playlist["name"]
    assert not {"items", "tracks"} & set(playlist)
    with pytest.raises(spotipy.SpotifyException) as caught:
        spotify.playlist_items(FOREIGN_PLAYLIST_ID)
    assert caught.value.http_status == 403


def test_unknown_and_malformed_ids(spotify: spotipy.Spotify) -> None:
    for path, status in (
        (f"playlists/{'0' * 22}/items", 404),
        (f"playlists/{'0' * 22}", 404),
        (f"tracks/{'0' * 22}", 404),
        ("tracks/short", 400),
        ("nowhere", 404),
        (f"playlists/{DEMO_PLAYLIST_ID}/items?limit=101", 400),
        (f"playlists/{DEMO_PLAYLIST_ID}/items?offset=-1", 400),
    ):
        with pytest.raises(spotipy.SpotifyException) as caught:
            spotify._get(path)
        assert caught.value.http_status == status, path


def test_rate_limit_then_success(server: SandboxServer, spotify: spotipy.Spotify) -> None:
    server.sandbox.faults.add(Fault.rate_limited("/v1/playlists/*/items", retry_after=3))
    with pytest.raises(spotipy.SpotifyException) as caught:
        spotify.playlist_items(DEMO_PLAYLIST_ID)
    assert (caught.value.http_status, caught.value.headers["Retry-After"]) == (429, "3")
    assert spotify.playlist_items(DEMO_PLAYLIST_ID)["total"] == 48


def test_quota(server: SandboxServer, spotify: spotipy.Spotify) -> None:
    server.sandbox.faults.add(Fault.quota_exceeded("/v1/*"))
    for _ in range(2):
        with pytest.raises(spotipy.SpotifyException) as caught:
            spotify.track(pieces()[0].spotify_id)
        assert (caught.value.http_status, caught.value.reason) == (429, "QUOTA_EXCEEDED")
        assert int(caught.value.headers["Retry-After"]) > 40_000


@pytest.mark.parametrize("status", [500, 502, 503])
def test_server_errors(server: SandboxServer, spotify: spotipy.Spotify, status: int) -> None:
    server.sandbox.faults.add(Fault(path="/v1/tracks/*", status=status))
    with pytest.raises(spotipy.SpotifyException) as caught:
        spotify.track(pieces()[0].spotify_id)
    assert caught.value.http_status == status


def test_a_slow_answer_still_comes(server: SandboxServer, spotify: spotipy.Spotify, http: requests.Session) -> None:
    server.sandbox.faults.add(Fault(path="/v1/tracks/*", delay_seconds=0.3))
    assert spotify.track(pieces()[0].spotify_id)["name"] == pieces()[0].title
    server.sandbox.faults.add(Fault(path="/mp3-preview/*", delay_seconds=1))
    with pytest.raises(requests.exceptions.ReadTimeout):
        http.get(f"{server.url}/mp3-preview/{pieces()[0].preview_hash}", timeout=0.2)
