from __future__ import annotations

import pytest

from soundalike.domain.playlist_id import ACCEPTED_FORMS, list_urn, playlist_urn
from soundalike.errors import InvalidPlaylistId

KEY = "37i9dQZF1DXcBWIGoYBM5M"


@pytest.mark.parametrize(
    "pasted",
    [
        f"spotify:playlist:{KEY}",
        f"spotify:user:some.one:playlist:{KEY}",
        KEY,
        f"  {KEY} ",
        f"https://open.spotify.com/playlist/{KEY}?si=x&pt=y",
        f"open.spotify.com/intl-de/playlist/{KEY}/",
        f"https://open.spotify.com/embed/playlist/{KEY}",
        f"https://open.spotify.com/user/someone/playlist/{KEY}",
    ],
)
def test_what_people_paste_of_spotify(pasted: str) -> None:
    assert playlist_urn(pasted) == f"spotify:playlist:{KEY}"


@pytest.mark.parametrize(
    ("pasted", "urn"),
    [
        ("deezer:playlist:908622995", "deezer:playlist:908622995"),
        ("https://www.deezer.com/en/playlist/908622995", "deezer:playlist:908622995"),
        ("deezer.com/playlist/908622995/", "deezer:playlist:908622995"),
        ("soundcloud:playlists:12", "soundcloud:playlists:12"),
        (f" {list_urn('mine.m3u8')} ", list_urn("mine.m3u8")),
    ],
)
def test_what_people_paste_of_others(pasted: str, urn: str) -> None:
    assert playlist_urn(pasted) == urn


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "mine",
        f"spotify:track:{KEY}",
        f"https://open.spotify.com/track/{KEY}",
        f"https://example.org/playlist/{KEY}",
        f"https://user:secret@open.spotify.com/playlist/{KEY}",
        "deezer:playlist:0",
        "https://www.deezer.com/en/album/1",
        "x" * 3000,
    ],
)
def test_anything_else_names_what_is_accepted(pasted: str) -> None:
    with pytest.raises(InvalidPlaylistId) as refused:
        playlist_urn(pasted)
    assert ACCEPTED_FORMS in str(refused.value)
