"""What people paste when they mean a list of Deezer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from soundalike.crawler.errors import InvalidTarget
from soundalike.domain.track_id import LONGEST_TEXT, address_parts

ACCEPTED_FORMS: Final = (
    "a deezer.com address of a playlist, album, artist or track, or deezer:playlist:<digits> and the like"
)

_KIND: Final = r"(?P<kind>playlist|album|artist|track)"
_KEY: Final = r"(?P<key>[1-9][0-9]{0,18})"
_URN: Final = re.compile(rf"deezer:{_KIND}:{_KEY}")
_PATH: Final = re.compile(rf"(?:/[a-z]{{2}}(?:-[a-z]{{2}})?)?/{_KIND}/{_KEY}(?:/top_tracks?)?/?", re.IGNORECASE)
_HOSTS: Final = frozenset({"deezer.com", "www.deezer.com"})
_SHORT_HOSTS: Final = frozenset({"link.deezer.com", "deezer.page.link", "dzr.page.link"})


@dataclass(frozen=True, slots=True)
class DeezerTarget:
    """A playlist, album, artist (whose top tracks are meant) or track of Deezer; raises `InvalidTarget` for others."""

    kind: str
    key: str

    def __post_init__(self) -> None:
        if not _URN.fullmatch(self.urn):
            raise InvalidTarget(f"{self.urn[:80]!r} names no list of Deezer; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"deezer:{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> DeezerTarget:
        """Read an address or a URN; nothing is fetched. Raises `InvalidTarget` naming what is accepted."""
        pasted = text.strip()
        if not pasted or len(pasted) > LONGEST_TEXT:
            raise InvalidTarget(f"expected {ACCEPTED_FORMS}")
        host, path = address_parts(pasted)
        if host in _SHORT_HOSTS:
            raise InvalidTarget(
                "short links of Deezer are not followed; open it in a browser and give the address there"
            )
        match = _URN.fullmatch(pasted) or (_PATH.fullmatch(path) if host in _HOSTS else None)
        if match is None:
            raise InvalidTarget(f"{pasted[:80]!r} names no list of Deezer; accepted are {ACCEPTED_FORMS}")
        return cls(match["kind"].lower(), match["key"])
