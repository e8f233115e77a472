"""Identity of a playlist: a parser for what people paste, to the one text form that the catalogue stores."""

from __future__ import annotations

import re
from typing import Final

from soundalike.domain.track_id import LONGEST_TEXT, address_parts
from soundalike.errors import InvalidPlaylistId

ACCEPTED_FORMS: Final = (
    "spotify:playlist:<22 letters and digits>, a bare Spotify playlist id, an open.spotify.com/playlist/… address, "
    "deezer:playlist:<digits>, a deezer.com/playlist/… address, or soundcloud:playlists:<digits>"
)

_SPOTIFY_KEY: Final = r"[0-9A-Za-z]{22}"
_DIGITS: Final = r"[1-9][0-9]{0,18}"
_BARE: Final = re.compile(f"(?P<spotify>{_SPOTIFY_KEY})")
_URN: Final = re.compile(
    rf"spotify:(?:user:[^:]+:)?playlist:(?P<spotify>{_SPOTIFY_KEY})"
    rf"|deezer:playlist:(?P<deezer>{_DIGITS})|soundcloud:playlists:(?P<soundcloud>{_DIGITS})"
)
_LOCALE: Final = r"(?:/(?:intl-)?[A-Za-z]{2}(?:-[A-Za-z]{2})?)?"
_SPOTIFY_PATH: Final = re.compile(rf"{_LOCALE}(?:/embed)?(?:/user/[^/]+)?/playlist/(?P<spotify>{_SPOTIFY_KEY})/?")
_DEEZER_PATH: Final = re.compile(rf"{_LOCALE}/playlist/(?P<deezer>{_DIGITS})/?")
_PATHS: Final = {
    "open.spotify.com": _SPOTIFY_PATH,
    "play.spotify.com": _SPOTIFY_PATH,
    "www.deezer.com": _DEEZER_PATH,
    "deezer.com": _DEEZER_PATH,
}
_STORED: Final = {"spotify": "spotify:playlist:", "deezer": "deezer:playlist:", "soundcloud": "soundcloud:playlists:"}


def playlist_urn(text: str) -> str:
    """Read what a person pastes and return the URN of the playlist; nothing is fetched.

    Raises `InvalidPlaylistId` naming the accepted forms.
    """
    pasted = text.strip()
    if not pasted or len(pasted) > LONGEST_TEXT:
        raise InvalidPlaylistId(f"expected a playlist of at most {LONGEST_TEXT} characters: {ACCEPTED_FORMS}")
    host, path = address_parts(pasted)
    match = _BARE.fullmatch(pasted) or _URN.fullmatch(pasted) or (host in _PATHS and _PATHS[host].fullmatch(path))
    if not match:
        raise InvalidPlaylistId(f"{pasted[:80]!r} names no playlist; accepted are {ACCEPTED_FORMS}")
    source, key = next((name, key) for name, key in match.groupdict().items() if key)
    return _STORED[source] + key
