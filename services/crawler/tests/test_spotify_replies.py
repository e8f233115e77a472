from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.errors import SourceUnavailable
from soundalike.crawler.sources.spotify_replies import (
    NotATrack,
    TrackOnList,
    parse_entry,
    parse_page,
    parse_playlist,
    parse_track,
)
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "6rqhFgbbKwnb9MLmUQDhG6"
OTHER = "11dFghVXANMlKmJXsNCbNl"
TRACK: dict[str, Any] = {
    "id": ID,
    "type": "track",
    "track": True,
    "episode": False,
    "name": "Bells",
    "artists": [{"name": "A", "uri": "spotify:artist:1"}, {"name": "B", "uri": None}],
    "album": {"name": "Metal"},
    "duration_ms": 180_000,
    "external_ids": {"isrc": "us-hm8-08-65849"},
    "external_urls": {"spotify": f"https://open.spotify.com/track/{ID}"},
    "preview_url": "https://p.scdn.co/mp3-preview/1",
}


def reason(body: Any) -> str:
    listed = parse_entry(body)
    assert isinstance(listed, NotATrack)
    return listed.reason


@pytest.mark.parametrize(
    "entry", [{"item": TRACK, "track": TRACK}, {"track": TRACK}, {"item": TRACK}, {"item": None, "track": TRACK}]
)
def test_both_forms_of_entries(entry: dict[str, Any]) -> None:
    assert parse_entry(entry) == TrackOnList(
        Track(
            id=TrackId("spotify", ID),
            title="Bells",
            artists=("A", "B"),
            artist_urns=("spotify:artist:1",),
            album="Metal",
            duration_ms=180_000,
            isrc="USHM80865849",
            link=f"https://open.spotify.com/track/{ID}",
        ),
        "https://p.scdn.co/mp3-preview/1",
    )


def test_only_id_and_name_are_needed() -> None:
    listed = parse_track({"id": ID, "name": "Bells"})
    assert listed == TrackOnList(
        Track(TrackId("spotify", ID), "Bells", link=f"https://open.spotify.com/track/{ID}"), None
    )


def test_a_substitute_is_known_by_what_it_stands_for() -> None:
    listed = parse_track({**TRACK, "id": OTHER, "linked_from": {"id": ID}})
    assert isinstance(listed, TrackOnList)
    assert listed.track.id == TrackId("spotify", ID)


@pytest.mark.parametrize("empty", [None, ""])
def test_no_preview(empty: str | None) -> None:
    listed = parse_track({**TRACK, "preview_url": empty})
    assert isinstance(listed, TrackOnList)
    assert listed.preview_url is None


@pytest.mark.parametrize("duration", [0, -1, 2**40])
def test_an_impossible_duration_is_none(duration: int) -> None:
    listed = parse_track({**TRACK, "duration_ms": duration})
    assert isinstance(listed, TrackOnList)
    assert listed.track.duration_ms is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (None, "empty entry"),
        ({"track": None}, "empty entry"),
        ({"item": None, "track": None, "is_local": False}, "empty entry"),
        ({"is_local": True, "track": {**TRACK, "id": None}}, "local file of the playlist's owner"),
        ({"track": {**TRACK, "id": None, "is_local": True}}, "local file of the playlist's owner"),
        ({"track": {"type": "episode", "id": ID, "name": "Why"}}, "episode"),
        ({"track": {**TRACK, "type": "chapter"}}, "an object of type 'chapter'"),
        ({"track": {**TRACK, "name": "", "duration_ms": 0}}, "taken down from Spotify"),
        ({"track": {**TRACK, "id": "short"}}, "entry in an unknown format"),
        ({"track": {**TRACK, "artists": "A"}}, "entry in an unknown format"),
        (
            {"track": {**TRACK, "external_urls": {"spotify": "javascript:alert(1)"}}},
            "entry in an unknown format",
        ),
        ({"track": [1]}, "entry in an unknown format"),
        ("nonsense", "entry in an unknown format"),
    ],
)
def test_what_is_no_track_has_a_reason(entry: Any, expected: str) -> None:
    assert reason(entry) == expected


@pytest.mark.parametrize("body", [None, [], {}, {"items": None, "total": 1}, {"items": []}, {"items": [], "total": -1}])
def test_what_is_no_page_is_said(body: Any) -> None:
    with pytest.raises(SourceUnavailable, match="not a page of the playlist"):
        parse_page(body)
    with pytest.raises(SourceUnavailable, match="not the playlist"):
        parse_playlist(body)


def test_a_page_of_2026(reply: Callable[[str], Any]) -> None:
    body = reply("spotify-playlist-items-2026")
    page = parse_page(body)
    listed = [parse_entry(entry) for entry in page.items]
    tracks = [one for one in listed if isinstance(one, TrackOnList)]
    assert len(listed) == len(body["items"])
    assert tracks
    assert all(one.preview_url is None for one in tracks)
    assert any(one.track.isrc for one in tracks)
    older = [parse_entry({name: value for name, value in entry.items() if name != "item"}) for entry in page.items]
    assert older == listed


def test_a_page_of_2022(reply: Callable[[str], Any]) -> None:
    listed = [parse_entry(entry) for entry in parse_page(reply("spotify-playlist-items-2022")).items]
    assert [one.reason for one in listed if isinstance(one, NotATrack)] == ["episode", "episode"]
    assert all(one.preview_url for one in listed if isinstance(one, TrackOnList))
    assert len(listed) == 4


def test_a_playlist_with_a_local_file(reply: Callable[[str], Any], reply_origin: str) -> None:
    body = reply("spotify-playlist-2024")
    assert parse_playlist(body).name == {"recorded": "Starred", "written": "Kettles"}[reply_origin]
    listed = [parse_entry(entry) for entry in parse_page(body["tracks"]).items]
    assert [type(one) for one in listed].count(NotATrack) == 1
    assert "local file of the playlist's owner" in {one.reason for one in listed if isinstance(one, NotATrack)}


def test_an_entry_without_a_track(reply: Callable[[str], Any]) -> None:
    assert reason(reply("transcribed")["spotify_null_track_entry"]["body"]) == "empty entry"
