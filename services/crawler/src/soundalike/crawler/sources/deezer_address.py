"""What people paste when they mean a list of Deezer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soundalike.crawler.errors import InvalidTarget
from soundalike.domain.service_urls import KEYS, Kind, is_short_link, parse_address

ACCEPTED_FORMS: Final = (
    "a deezer.com address of a playlist, album, artist or track, or deezer:playlist:<digits> and the like"
)

_KINDS: Final = frozenset({Kind.PLAYLIST, Kind.ALBUM, Kind.ARTIST, Kind.TRACK})


@dataclass(frozen=True, slots=True)
class DeezerTarget:
    """A playlist, album, artist (whose top tracks are meant) or track of Deezer; raises `InvalidTarget` for others."""

    kind: str
    key: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS or not KEYS["deezer"].fullmatch(self.key):
            raise InvalidTarget(f"{self.urn[:80]!r} names no list of Deezer; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"deezer:{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> DeezerTarget:
        """Read an address or a URN; nothing is fetched. Raises `InvalidTarget` naming what is accepted."""
        if is_short_link(text):
            raise InvalidTarget(
                "short links of Deezer are not followed; open it in a browser and paste the address that it leads to"
            )
        address = parse_address(text)
        if address is None or address.source != "deezer":
            raise InvalidTarget(f"{text.strip()[:80]!r} is no address or id of Deezer; accepted are {ACCEPTED_FORMS}")
        return cls(address.kind, address.key)
