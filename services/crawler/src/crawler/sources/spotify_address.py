"""What people paste when they mean a playlist."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from catalog.errors import InvalidTrackId
from catalog.track_id import LONGEST_TEXT, TrackId, address_parts
from crawler.errors import InvalidTarget

ACCEPTED_FORMS: Final = (
    "an open.spotify.com/playlist/… address, spotify:playlist:<22 letters and digits>, a bare playlist id, "
    "or the address or URI of a single track"
)

_KEY: Final = re.compile(r"[0-9A-Za-z]{22}")
_URI: Final = re.compile(r"spotify:(?:user:[^:]+:)?playlist:([^:]+)")
_PATH: Final = re.compile(r"(?:/intl-[A-Za-z]{2}(?:-[A-Za-z]{2})?)?(?:/embed)?(?:/user/[^/]+)?/playlist/([^/]+)/?")
_HOSTS: Final = frozenset({"open.spotify.com", "play.spotify.com"})


@dataclass(frozen=True, slots=True)
class PlaylistId:
    """One playlist of Spotify by its id of 22 base-62 characters; raises `InvalidTarget` for another form."""

    key: str

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InvalidTarget(f"{self.key[:80]!r} is no playlist id; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"spotify:playlist:{self.key}"

    @classmethod
    def parse(cls, text: str) -> PlaylistId:
        """Read an address, a URI or a bare id; nothing is fetched. Raises `InvalidTarget` naming what is accepted."""
        pasted = text.strip()
        if not pasted or len(pasted) > LONGEST_TEXT:
            raise InvalidTarget(f"expected {ACCEPTED_FORMS}")
        if _KEY.fullmatch(pasted):
            return cls(pasted)
        if uri := _URI.fullmatch(pasted):
            return cls(uri[1])
        host, path = address_parts(pasted)
        if host in _HOSTS and (match := _PATH.fullmatch(path)):
            return cls(match[1])
        raise InvalidTarget(f"{pasted[:80]!r} names no playlist; accepted are {ACCEPTED_FORMS}")


def parse_target(text: str) -> PlaylistId | TrackId:
    """Read a playlist or a single track of Spotify; a bare id is a playlist's. Raises `InvalidTarget`."""
    try:
        return PlaylistId.parse(text)
    except InvalidTarget as error:
        try:
            track = TrackId.parse(text)
        except InvalidTrackId:
            raise error from None
        if track.source != "spotify":
            raise InvalidTarget(f"{track} is no track of Spotify; accepted are {ACCEPTED_FORMS}") from None
        return track
