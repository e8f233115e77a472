"""What people paste when they mean a playlist, an album or a track of Spotify."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final, Self, TypeAlias

from soundalike.crawler.errors import InvalidTarget
from soundalike.domain.track_id import LONGEST_TEXT, TrackId, address_parts
from soundalike.errors import InvalidTrackId

ACCEPTED_FORMS: Final = (
    "an open.spotify.com/playlist/… address, spotify:playlist:<22 letters and digits>, a bare playlist id, "
    "or the address or URI of an album or a single track"
)

_KEY: Final = re.compile(r"[0-9A-Za-z]{22}")
_URI: Final = re.compile(r"spotify:(?:user:[^:]+:)?([a-z]+):([^:]+)")
_PATH: Final = re.compile(r"(?:/intl-[A-Za-z]{2}(?:-[A-Za-z]{2})?)?(?:/embed)?(?:/user/[^/]+)?/([a-z]+)/([^/]+)/?")
_HOSTS: Final = frozenset({"open.spotify.com", "play.spotify.com"})


@dataclass(frozen=True, slots=True)
class _ListId:
    key: str

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InvalidTarget(f"{self.key[:80]!r} is no {self.kind} id; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"spotify:{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address or a URI; nothing is fetched. Raises `InvalidTarget` naming what is accepted."""
        pasted = text.strip()
        if not pasted or len(pasted) > LONGEST_TEXT:
            raise InvalidTarget(f"expected {ACCEPTED_FORMS}")
        host, path = address_parts(pasted)
        match = _URI.fullmatch(pasted) or (_PATH.fullmatch(path) if host in _HOSTS else None)
        if match and match[1] == cls.kind:
            return cls(match[2])
        raise InvalidTarget(f"{pasted[:80]!r} names no {cls.kind}; accepted are {ACCEPTED_FORMS}")


@dataclass(frozen=True, slots=True)
class PlaylistId(_ListId):
    """One playlist of Spotify by its id of 22 base-62 characters; raises `InvalidTarget` for another form."""

    kind: ClassVar[str] = "playlist"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address, a URI or a bare id; nothing is fetched. Raises `InvalidTarget` naming what is accepted."""
        pasted = text.strip()
        return cls(pasted) if _KEY.fullmatch(pasted) else super(PlaylistId, cls).parse(text)


@dataclass(frozen=True, slots=True)
class AlbumId(_ListId):
    """One album of Spotify by its id of 22 base-62 characters; raises `InvalidTarget` for another form."""

    kind: ClassVar[str] = "album"


SpotifyTarget: TypeAlias = PlaylistId | AlbumId | TrackId


def parse_target(text: str) -> SpotifyTarget:
    """Read a playlist, an album or a track of Spotify; a bare id is a playlist's. Raises `InvalidTarget`."""
    try:
        return PlaylistId.parse(text)
    except InvalidTarget as error:
        try:
            return AlbumId.parse(text)
        except InvalidTarget:
            pass
        try:
            track = TrackId.parse(text)
        except InvalidTrackId:
            raise error from None
        if track.source != "spotify":
            raise InvalidTarget(f"{track} is no track of Spotify; accepted are {ACCEPTED_FORMS}") from None
        return track
