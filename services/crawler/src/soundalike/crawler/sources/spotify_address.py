"""What people paste when they mean a playlist, an album or a track of Spotify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self, TypeAlias

from soundalike.crawler.errors import InvalidTarget
from soundalike.domain.service_urls import KEYS, Kind, ServiceAddress, parse_address
from soundalike.domain.track_id import TrackId

ACCEPTED_FORMS: Final = (
    "an open.spotify.com/playlist/… address, spotify:playlist:<22 letters and digits>, a bare playlist id, "
    "or the address or URI of an album or a single track"
)


@dataclass(frozen=True, slots=True)
class _ListId:
    key: str

    kind: ClassVar[Kind]

    def __post_init__(self) -> None:
        if not KEYS["spotify"].fullmatch(self.key):
            raise InvalidTarget(f"{self.key[:80]!r} is no {self.kind} id; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return ServiceAddress("spotify", self.kind, self.key).urn

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address, a URI or, for a playlist, a bare id; nothing is fetched.

        Raises `InvalidTarget` naming what is accepted.
        """
        address = parse_address(text, expected=cls.kind)
        if address is None or (address.source, address.kind) != ("spotify", cls.kind):
            raise InvalidTarget(f"{text.strip()[:80]!r} names no {cls.kind}; accepted are {ACCEPTED_FORMS}")
        return cls(address.key)


@dataclass(frozen=True, slots=True)
class PlaylistId(_ListId):
    """One playlist of Spotify by its id of 22 base-62 characters; raises `InvalidTarget` for another form."""

    kind: ClassVar[Kind] = Kind.PLAYLIST


@dataclass(frozen=True, slots=True)
class AlbumId(_ListId):
    """One album of Spotify by its id of 22 base-62 characters; raises `InvalidTarget` for another form."""

    kind: ClassVar[Kind] = Kind.ALBUM


SpotifyTarget: TypeAlias = PlaylistId | AlbumId | TrackId


def parse_target(text: str) -> SpotifyTarget:
    """Read a playlist, an album or a track of Spotify; a bare id is a playlist's. Raises `InvalidTarget`."""
    address = parse_address(text, expected=Kind.PLAYLIST)
    if address is not None and address.source == "spotify":
        match address.kind:
            case Kind.PLAYLIST:
                return PlaylistId(address.key)
            case Kind.ALBUM:
                return AlbumId(address.key)
            case Kind.TRACK:
                return TrackId(address.source, address.key)
    raise InvalidTarget(f"{text.strip()[:80]!r} is no address or id of Spotify; accepted are {ACCEPTED_FORMS}")
