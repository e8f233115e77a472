"""Identity of a track: one value object, one text form, and a parser for what people paste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soundalike.domain.service_urls import KEYS, Kind, parse_address
from soundalike.errors import InvalidTrackId

ACCEPTED_FORMS: Final = (
    "spotify:track:<22 letters and digits>, a bare Spotify track id, an open.spotify.com/track/… address, "
    "deezer:track:<digits>, a deezer.com/track/… address, soundcloud:tracks:<digits>, "
    "the soundcloud.com address of a track the catalogue knows, or file:track:<64 hex digits>"
)

_URN_PREFIXES: Final = {
    "spotify": "spotify:track:",
    "deezer": "deezer:track:",
    "soundcloud": "soundcloud:tracks:",
    "file": "file:track:",
}


@dataclass(frozen=True, order=True, slots=True)
class TrackId:
    """One track of one source; equal when source and key are equal.

    `source` is one of spotify, deezer, soundcloud, file; `key` is that source's own identifier.
    Raises `InvalidTrackId` when the two do not fit each other.
    """

    source: str
    key: str

    def __post_init__(self) -> None:
        if self.source not in _URN_PREFIXES or not KEYS[self.source].fullmatch(self.key):
            raise InvalidTrackId(f"{self.source}:{self.key} names no track; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"{_URN_PREFIXES[self.source]}{self.key}"

    def __str__(self) -> str:
        return self.urn

    @classmethod
    def from_urn(cls, urn: str) -> TrackId:
        """Read the stored text form back; raises `InvalidTrackId` for anything else."""
        source = urn.partition(":")[0]
        prefix = _URN_PREFIXES.get(source)
        if prefix is None or not urn.startswith(prefix):
            raise InvalidTrackId(f"{_shown(urn)} is no track URN; accepted are {ACCEPTED_FORMS}")
        return cls(source, urn.removeprefix(prefix))

    @classmethod
    def parse(cls, text: str) -> TrackId:
        """Read what a person pastes: a URN, a bare Spotify id, or a track's address; nothing is fetched.

        Raises `InvalidTrackId` naming the accepted forms.
        """
        address = parse_address(text, expected=Kind.TRACK)
        if address is None or address.kind is not Kind.TRACK:
            raise InvalidTrackId(f"{_shown(text.strip())} names no track; accepted are {ACCEPTED_FORMS}")
        return cls(address.source, address.key)


def soundcloud_permalink(text: str) -> str | None:
    """Return the stored form of a soundcloud.com track address, `https://soundcloud.com/<user>/<track>`, or None."""
    address = parse_address(text)
    return address.urn if address and address.kind is Kind.PERMALINK else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}…")
