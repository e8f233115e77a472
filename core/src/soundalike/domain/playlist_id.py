"""Identity of a playlist: reading what people paste to the one text form that the catalogue stores."""

from __future__ import annotations

from typing import Final

from soundalike.domain.service_urls import Kind, parse_address
from soundalike.errors import InvalidPlaylistId

ACCEPTED_FORMS: Final = (
    "spotify:playlist:<22 letters and digits>, a bare Spotify playlist id, an open.spotify.com/playlist/… address, "
    "deezer:playlist:<digits>, a deezer.com/playlist/… address, or soundcloud:playlists:<digits>"
)

_SOURCES: Final = frozenset({"spotify", "deezer", "soundcloud"})


def playlist_urn(text: str) -> str:
    """Read what a person pastes and return the URN of the playlist; nothing is fetched.

    Raises `InvalidPlaylistId` naming the accepted forms.
    """
    address = parse_address(text, expected=Kind.PLAYLIST)
    if address is None or address.kind is not Kind.PLAYLIST or address.source not in _SOURCES:
        raise InvalidPlaylistId(f"{text.strip()[:80]!r} names no playlist; accepted are {ACCEPTED_FORMS}")
    return address.urn
