from collections.abc import Callable
from typing import Any

import spotipy

from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID

Reply = Callable[[str], Any]


def shape(value: Any) -> Any:
    """Reduce a reply to its keys; lists to the shape of their first entry; values to nothing."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1] if isinstance(inner, dict)]
    return None


def without(value: Any, *names: str) -> Any:
    if isinstance(value, dict):
        return {name: without(inner, *names) for name, inner in value.items() if name not in names}
    if isinstance(value, list):
        return [without(inner, *names) for inner in value]
    return value


def test_page_of_2026(spotify: spotipy.Spotify, reply: Reply) -> None:
    page = spotify.playlist_items(DEMO_PLAYLIST_ID, limit=1)
    real = reply("spotify-playlist-items-2026")
    # Covers are the one thing that the sandbox does not draw.
    assert shape(without(page, "images")) == shape(without(real, "images"))


def test_playlist_with_a_local_file(spotify: spotipy.Spotify, reply: Reply) -> None:
    ours = spotify.playlist(AWKWARD_PLAYLIST_ID)
    real = reply("spotify-playlist-2024")
    assert set(ours) == set(real) | {"items"}
    assert shape(ours["owner"]) == shape(real["owner"])
    assert set(ours["tracks"]) == set(real["tracks"])
    local, normal = ours["tracks"]["items"][1], ours["tracks"]["items"][0]
    assert shape(without(local, "item")) == shape(without(real["tracks"]["items"][0], "item"))
    assert set(normal["track"]) == set(real["tracks"]["items"][1]["track"])


def test_episode(spotify: spotipy.Spotify, reply: Reply) -> None:
    ours = spotify.playlist_items(AWKWARD_PLAYLIST_ID)["items"][2]["item"]
    real = reply("spotify-playlist-items-2022")["items"][0]["track"]
    assert set(ours) <= set(real)
    assert set(real) - set(ours) <= {"resume_point"}


def test_null_entry(spotify: spotipy.Spotify, reply: Reply) -> None:
    ours = spotify.playlist_items(AWKWARD_PLAYLIST_ID)["items"][3]
    real = reply("transcribed")["spotify_null_track_entry"]["body"]
    assert shape(without(ours, "item")) == shape(real)
    assert ours["item"] is ours["track"] is real["track"]
    assert ours["added_by"]["id"] == real["added_by"]["id"] == ""
    assert ours["added_by"]["uri"] == real["added_by"]["uri"]


def test_error_bodies(reply: Reply) -> None:
    assert Fault.rate_limited("*").response_body() == reply("spotify-error-429")
    quota = reply("transcribed")["spotify_429_quota_exceeded"]
    fault = Fault.quota_exceeded("*")
    assert fault.response_body() == quota["body"]
    assert {name.lower(): value for name, value in fault.headers.items()} == quota["headers"]
    forbidden = reply("transcribed")["spotify_403_not_owner"]["body"]
    assert Fault(path="*", status=403).response_body() == forbidden
