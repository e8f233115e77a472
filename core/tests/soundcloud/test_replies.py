from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.soundcloud.errors import UnreadableReply
from soundalike.soundcloud.pages import page_of, page_query
from soundalike.soundcloud.replies import Track, User, read

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_track_of_before_urns(reply: Callable[[str], Any], reply_origin: str) -> None:
    track = read(Track, reply("soundcloud-track"))
    assert track.user is not None
    assert (track.urn, track.duration, track.favoritings_count, track.created_at, track.user.urn) == {
        "recorded": (
            "soundcloud:tracks:13158665",
            18109,
            5,
            datetime(2011, 4, 6, 15, 37, 43, tzinfo=UTC),
            "soundcloud:users:3699101",
        ),
        "written": (
            "soundcloud:tracks:10000115",
            21345,
            6,
            datetime(2012, 2, 29, 12, 34, 56, tzinfo=UTC),
            "soundcloud:users:1000116",
        ),
    }[reply_origin]
    assert track.tags == ()
    assert track.genre is None


def test_a_page_of_users(reply: Callable[[str], Any]) -> None:
    page = page_of(User, reply("soundcloud-followings"))
    assert page.rows
    assert page.unreadable == 0
    assert {user.urn.rpartition(":")[0] for user in page.rows} == {"soundcloud:users"}


@pytest.mark.parametrize(("name", "model"), [("Track", Track), ("User", User)])
def test_the_examples_of_the_specification(reply: Callable[[str], Any], name: str, model: type[User | Track]) -> None:
    assert read(model, reply("soundcloud-openapi-examples")[name]).urn


def test_the_example_pages_of_the_specification(reply: Callable[[str], Any]) -> None:
    examples = reply("soundcloud-openapi-examples")
    assert page_of(Track, examples["TracksPage"]).rows
    assert page_of(User, examples["UsersPage"]).rows


def test_of_a_person_no_more_is_read_than_is_used() -> None:
    user = read(User, {"id": 1, "username": "u", "full_name": "First Last", "city": "Berlin", "description": "mail me"})
    assert "Last" not in repr(user)
    assert "Berlin" not in repr(user)


def test_hidden_counts_and_bad_text_do_not_lose_the_track() -> None:
    values = {
        "urn": "soundcloud:tracks:7",
        "title": " a\x00b\ud800 ",
        "favoritings_count": None,
        "playback_count": -1,
        "comment_count": "many",
        "created_at": "yesterday",
        "access": "sometimes",
        "genre": "",
        "user": None,
    }
    track = read(Track, values)
    assert track.title == "ab?"
    assert (track.favoritings_count, track.playback_count, track.comment_count) == (None, None, None)
    assert (track.created_at, track.access, track.genre, track.user) == (None, None, None, None)


@pytest.mark.parametrize("body", [None, [], "track", {}, {"id": None}, {"urn": "soundcloud:users:1"}])
def test_what_is_no_track_is_refused(body: Any) -> None:
    with pytest.raises(UnreadableReply, match="track cannot be read"):
        read(Track, body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration", 2**31),
        ("created_at", "0001/01/01 00:00:00 +1400"),
        ("created_at", "9999-12-31T23:59:59-12:00"),
        ("user", {"username": "somebody without a number"}),
        ("user", "somebody"),
    ],
)
def test_what_cannot_be_stored_is_left_out_and_the_track_kept(name: str, value: Any) -> None:
    assert getattr(read(Track, {"id": 1, name: value}), name) is None


def test_a_row_that_stands_twice_on_a_page_is_there_once() -> None:
    page = page_of(
        User, {"collection": [{"id": 1}, {"urn": "soundcloud:users:2"}, None, {"urn": "soundcloud:users:1"}]}
    )
    assert ([user.urn for user in page.rows], page.unreadable) == (["soundcloud:users:1", "soundcloud:users:2"], 1)


def test_rows_that_cannot_be_read_are_counted_and_the_rest_is_kept() -> None:
    page = page_of(User, {"collection": [{"id": 1}, None, {"username": "gone"}, {"id": 2}], "next_href": None})
    assert [user.urn for user in page.rows] == ["soundcloud:users:1", "soundcloud:users:2"]
    assert (page.unreadable, page.cursor) == (2, None)


def test_only_the_place_is_taken_from_a_next_href_whatever_its_host() -> None:
    recorded_href = (
        "https://http.api.prod.api-public.srv.db.s-cloud.net/tracks/1/reposters?cursor=1567684271000&page_size=9"
    )
    page = page_of(User, {"collection": [], "next_href": recorded_href})
    assert page_query({"limit": "200"}, page.cursor) == {"limit": "200", "cursor": "1567684271000"}


def test_a_cursor_comes_through_whole() -> None:
    href = "https://api.soundcloud.com/me/likes/tracks?cursor=2024-06-01T16%3A23%3A38.001Z%2Cuser-track-likes%2C000-1"
    page = page_of(Track, {"collection": [], "next_href": href})
    assert page_query({}, page.cursor) == {"cursor": "2024-06-01T16:23:38.001Z,user-track-likes,000-1"}


@pytest.mark.parametrize("reply", [None, "page", {}, {"collection": None}, {"collection": [], "next_href": 5}])
def test_what_is_no_page_is_refused(reply: Any) -> None:
    with pytest.raises(UnreadableReply):
        page_of(User, reply)


def test_a_next_href_that_leads_nowhere_is_no_end() -> None:
    with pytest.raises(UnreadableReply, match="no cursor"):
        page_of(User, {"collection": [], "next_href": "https://api.soundcloud.com/users/1/likes/tracks"})
