from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.service_urls import Kind, ServiceAddress, is_short_link, parse_address, service_of

KEY = "37i9dQZF1DXcBWIGoYBM5M"
HASH = "ab" * 32


@pytest.mark.parametrize(
    ("text", "urn"),
    [
        (f"spotify:artist:{KEY}", f"spotify:artist:{KEY}"),
        (f"https://open.spotify.com/intl-de/album/{KEY}?si=1", f"spotify:album:{KEY}"),
        (f"https://open.spotify.com/user/anna/playlist/{KEY}", f"spotify:playlist:{KEY}"),
        (f"spotify:user:anna:playlist:{KEY}", f"spotify:playlist:{KEY}"),
        ("spotify:user:anna", "spotify:user:anna"),
        ("https://open.spotify.com/user/anna", "spotify:user:anna"),
        ("spotify:user:anna:collection", "spotify:user:anna:collection"),
        ("https://www.deezer.com/en/artist/27/top_track", "deezer:artist:27"),
        ("soundcloud:users:7", "soundcloud:users:7"),
        ("https://api.soundcloud.com/users/7", "soundcloud:users:7"),
        ("https://m.soundcloud.com/anna/song/?in=x", "https://soundcloud.com/anna/song"),
        (f"list:playlist:{HASH}", f"list:playlist:{HASH}"),
        (f"file:track:{HASH.upper()}", f"file:track:{HASH}"),
    ],
)
def test_every_form_comes_to_one(text: str, urn: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert address.urn == urn
    assert parse_address(urn) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soundcloud:track:7",
        "soundcloud:albums:7",
        "deezer:tracks:7",
        f"file:playlist:{HASH}",
        f"spotify:playlist:{KEY}:x",
        f"https://open.spotify.com/user/anna/album/{KEY}",
        "https://open.spotify.com/user/an:na",
        "https://soundcloud.com/anna",
        "https://example.org/playlist/7",
        "x" * 3000,
    ],
)
def test_other_texts_name_nothing(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "expected", "address"),
    [
        (KEY, None, None),
        (KEY, Kind.TRACK, ServiceAddress("spotify", Kind.TRACK, KEY)),
        (KEY, Kind.PLAYLIST, ServiceAddress("spotify", Kind.PLAYLIST, KEY)),
        (KEY, Kind.ALBUM, None),
        ("7", Kind.USER, ServiceAddress("soundcloud", Kind.USER, "7")),
        ("7", Kind.TRACK, None),
    ],
)
def test_a_bare_id_names_what_is_expected(text: str, expected: Kind | None, address: ServiceAddress | None) -> None:
    assert parse_address(text, expected=expected) == address


@pytest.mark.parametrize(
    ("text", "service"),
    [("https://www.deezer.com/profile/7", "deezer"), ("spotify:nonsense", "spotify"), ("my music", None), ("", None)],
)
def test_the_service_of_a_wrong_address_is_known(text: str, service: str | None) -> None:
    assert service_of(text) == service


def test_short_links_are_told_apart() -> None:
    assert is_short_link("https://link.deezer.com/s/30abcDEF")
    assert not is_short_link("https://www.deezer.com/track/7")


@given(st.text(max_size=100), st.sampled_from([None, *Kind]))
def test_whatever_is_read_has_a_urn_that_reads_the_same(text: str, expected: Kind | None) -> None:
    address = parse_address(text, expected=expected)
    assert address is None or parse_address(address.urn) == address
