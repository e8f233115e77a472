from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.track_id import TrackId, soundcloud_permalink
from soundalike.errors import InvalidTrackId

SPOTIFY = "6rqhFgbbKwnb9MLmUQDhG6"
HASH = "ab" * 32


@pytest.mark.parametrize(
    "pasted",
    [
        SPOTIFY,
        f"  {SPOTIFY}\n",
        f"spotify:track:{SPOTIFY}",
        f"https://open.spotify.com/track/{SPOTIFY}",
        f"http://open.spotify.com/track/{SPOTIFY}/",
        f"open.spotify.com/track/{SPOTIFY}",
        f"https://open.spotify.com/intl-de/track/{SPOTIFY}?si=0123456789abcdef",
        f"https://open.spotify.com/intl-pt-BR/track/{SPOTIFY}",
        f"https://open.spotify.com/embed/track/{SPOTIFY}?utm_source=generator",
        f"https://OPEN.spotify.com/track/{SPOTIFY}#now",
    ],
)
def test_every_spotify_form_means_the_same_track(pasted: str) -> None:
    assert TrackId.parse(pasted).urn == f"spotify:track:{SPOTIFY}"


@pytest.mark.parametrize(
    ("pasted", "urn"),
    [
        ("deezer:track:3135556", "deezer:track:3135556"),
        ("https://www.deezer.com/track/3135556", "deezer:track:3135556"),
        ("https://www.deezer.com/en/track/3135556?utm=x", "deezer:track:3135556"),
        ("soundcloud:tracks:13158665", "soundcloud:tracks:13158665"),
        (f"file:track:{HASH}", f"file:track:{HASH}"),
        (f"file:track:{HASH.upper()}", f"file:track:{HASH}"),
    ],
)
def test_other_sources(pasted: str, urn: str) -> None:
    assert TrackId.parse(pasted).urn == urn


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "x" * 5000,
        SPOTIFY[:-1],
        f"{SPOTIFY}0",
        f"{SPOTIFY[:-1]}é",
        f"spotify:album:{SPOTIFY}",
        f"spotify:track:{SPOTIFY}:x",
        f"https://open.spotify.com/album/{SPOTIFY}",
        f"https://open.spotify.com/playlist/{SPOTIFY}",
        f"https://open.spotify.com.evil.example/track/{SPOTIFY}",
        f"https://openXspotify.com/track/{SPOTIFY}",
        f"https://user@open.spotify.com/track/{SPOTIFY}",
        f"https://open.spotify.com:8443/track/{SPOTIFY}",
        f"ftp://open.spotify.com/track/{SPOTIFY}",
        "http://[broken/track/x",
        "soundcloud:tracks:0123",
        "soundcloud:tracks:१२३",
        "deezer:track:-1",
        "file:track:xyz",
        "https://soundcloud.com/artist/song",
    ],
)
def test_anything_else_is_refused_with_the_accepted_forms(pasted: str) -> None:
    with pytest.raises(InvalidTrackId, match="open\\.spotify\\.com/track"):
        TrackId.parse(pasted)


def test_a_long_refused_text_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidTrackId) as caught:
        TrackId.parse("y" * 1000)
    assert len(str(caught.value)) < 600


@given(st.text(max_size=200))
def test_parse_either_answers_a_track_or_refuses(text: str) -> None:
    try:
        parsed = TrackId.parse(text)
    except InvalidTrackId:
        return
    assert TrackId.from_urn(parsed.urn) == parsed


@pytest.mark.parametrize(
    ("pasted", "link"),
    [
        ("https://soundcloud.com/a/b", "https://soundcloud.com/a/b"),
        ("http://m.soundcloud.com/a/b/?in=x", "https://soundcloud.com/a/b"),
        ("https://soundcloud.com/a/sets/b", None),
        ("https://soundcloud.com/a", None),
        ("https://example.org/a/b", None),
    ],
)
def test_soundcloud_permalinks_have_one_form(pasted: str, link: str | None) -> None:
    assert soundcloud_permalink(pasted) == link
