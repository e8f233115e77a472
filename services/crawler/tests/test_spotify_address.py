from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.sources.spotify_address import AlbumId, PlaylistId, parse_target
from soundalike.domain.track_id import TrackId

KEY = "37i9dQZF1DXcBWIGoYBM5M"
BASE_62 = string.ascii_letters + string.digits

FORMS = [
    "{}",
    " {}\n",
    "spotify:playlist:{}",
    "spotify:user:somebody:playlist:{}",
    "spotify:user:some%20body.1:playlist:{}",
    "https://open.spotify.com/playlist/{}",
    "http://open.spotify.com/playlist/{}",
    "open.spotify.com/playlist/{}",
    "https://open.spotify.com/playlist/{}/",
    "https://open.spotify.com/playlist/{}?si=0123456789abcdef&pt=x",
    "https://open.spotify.com/playlist/{}#fragment",
    "https://open.spotify.com/intl-de/playlist/{}?si=1",
    "https://open.spotify.com/intl-pt-BR/playlist/{}",
    "https://open.spotify.com/embed/playlist/{}?utm_source=generator",
    "https://open.spotify.com/user/somebody/playlist/{}",
    "https://play.spotify.com/user/somebody/playlist/{}/",
    "HTTPS://OPEN.SPOTIFY.COM/playlist/{}",
]

WRONG = [
    "",
    " ",
    "short",
    KEY + "a",
    KEY[:-1] + "é",
    KEY[:-1] + "_",
    f"spotify:playlist:{KEY}:x",
    f"spotify:playlist:{KEY[:-1]}",
    f"spotify:album:{KEY[:-1]}",
    f"spotify:artist:{KEY}",
    f"https://open.spotify.com/playlist/{KEY}/tracks",
    f"https://openXspotify.com/playlist/{KEY}",
    f"https://open.spotify.com.example.org/playlist/{KEY}",
    f"https://example.org/?https://open.spotify.com/playlist/{KEY}",
    f"https://user@open.spotify.com/playlist/{KEY}",
    f"ftp://open.spotify.com/playlist/{KEY}",
    f"https://open.spotify.com/playlist/{KEY}%0a",
    "https://open.spotify.com:99999/playlist/" + KEY,
    "deezer:track:3135556",
    "x" * 3000,
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_people_paste(form: str) -> None:
    assert parse_target(form.format(KEY)) == PlaylistId(KEY)


@given(key=st.text(BASE_62, min_size=22, max_size=22), form=st.sampled_from(FORMS))
def test_any_key_comes_back_from_any_form(key: str, form: str) -> None:
    parsed = PlaylistId.parse(form.format(key))
    assert parsed.key == key
    assert PlaylistId.parse(parsed.urn) == parsed


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused_with_the_forms_that_are_not(text: str) -> None:
    with pytest.raises(InvalidTarget, match=r"open\.spotify\.com/playlist/"):
        parse_target(text)


@given(st.text() | st.sampled_from(FORMS).flatmap(lambda form: st.text(max_size=30).map(form.format)))
def test_nothing_gets_through_but_22_letters_and_digits(text: str) -> None:
    try:
        key = PlaylistId.parse(text).key
    except InvalidTarget:
        return
    assert len(key) == 22
    assert set(key) <= set(BASE_62)
    assert key in text


@pytest.mark.parametrize("text", [f"spotify:album:{KEY}", f"https://open.spotify.com/intl-de/album/{KEY}?si=1"])
def test_an_album(text: str) -> None:
    assert parse_target(text) == AlbumId(KEY)
    assert AlbumId(KEY).urn == f"spotify:album:{KEY}"


@pytest.mark.parametrize("text", [f"spotify:track:{KEY}", f"https://open.spotify.com/intl-de/track/{KEY}?si=1"])
def test_a_single_track(text: str) -> None:
    assert parse_target(text) == TrackId("spotify", KEY)
