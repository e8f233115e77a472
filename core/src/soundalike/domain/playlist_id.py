"""Identity of a playlist: reading what people paste to the one text form that the catalogue stores."""

from __future__ import annotations

import hashlib
from typing import Final

from soundalike.domain.service_urls import Kind, parse_address
from soundalike.errors import InvalidPlaylistId

ACCEPTED_FORMS: Final = (
    "spotify:playlist:<22 letters and digits>, a bare Spotify playlist id, an open.spotify.com/playlist/… address, "
    "deezer:playlist:<digits>, a deezer.com/playlist/… address, soundcloud:playlists:<digits>, "
    "or list:playlist:<64 hex digits> of a list in a file"
)

_SOURCES: Final = frozenset({"spotify", "deezer", "soundcloud", "list"})


def playlist_urn(text: str) -> str:
    """Read what a person pastes and return the URN of the playlist; nothing is fetched.

    Raises `InvalidPlaylistId` naming the accepted forms.
    """
    address = parse_address(text, expected=Kind.PLAYLIST)
    if address is None or address.kind is not Kind.PLAYLIST or address.source not in _SOURCES:
        raise InvalidPlaylistId(f"{text.strip()[:80]!r} names no playlist; accepted are {ACCEPTED_FORMS}")
    return address.urn


def list_urn(file_name: str) -> str:
    """Return the URN of the list in a file, which is known by its name alone: an edited or moved file is the same list.

    A path on somebody's disk is nobody else's business.
    """
    return f"list:playlist:{hashlib.sha256(file_name.encode('utf-8', 'replace')).hexdigest()}"
