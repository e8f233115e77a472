"""The grammar of addresses: URNs, URIs and web addresses that people paste, parsed to one value; nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT_LENGTH: Final = 2048
"""The longest text that is parsed."""


class Kind(StrEnum):
    """What an address names."""

    TRACK = "track"
    PLAYLIST = "playlist"
    ALBUM = "album"
    ARTIST = "artist"
    USER = "user"
    COLLECTION = "collection"
    """What a user of Spotify has saved."""
    PERMALINK = "permalink"
    """A track of SoundCloud by the names of its user and itself, which only the catalogue can resolve."""


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """One thing of one source, which is spotify, deezer, soundcloud, file or list; `key` is the source's identifier."""

    source: str
    kind: Kind
    key: str

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database; for a permalink the address, as stored with its track."""
        if self.kind is Kind.PERMALINK:
            return f"https://soundcloud.com/{self.key}"
        if self.kind is Kind.COLLECTION:
            return f"spotify:user:{self.key}:collection"
        return f"{self.source}:{_word(self.source, self.kind)}:{self.key}"


KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    "spotify": re.compile(r"[0-9A-Za-z]{22}"),
    "deezer": re.compile(r"[1-9][0-9]{0,18}"),
    "soundcloud": re.compile(r"[1-9][0-9]{0,18}"),
    "file": re.compile(r"[0-9a-f]{64}"),
    "list": re.compile(r"[0-9a-f]{64}"),
}
"""The form of the keys of each source."""

_KINDS: Final[Mapping[str, frozenset[Kind]]] = {
    "spotify": frozenset({Kind.TRACK, Kind.PLAYLIST, Kind.ALBUM, Kind.ARTIST}),
    "deezer": frozenset({Kind.TRACK, Kind.PLAYLIST, Kind.ALBUM, Kind.ARTIST}),
    "soundcloud": frozenset({Kind.TRACK, Kind.PLAYLIST, Kind.USER}),
    "file": frozenset({Kind.TRACK}),
    "list": frozenset({Kind.PLAYLIST}),
}
# The source of a bare id where something of that kind is expected.
_BARE: Final = {Kind.TRACK: "spotify", Kind.PLAYLIST: "spotify", Kind.USER: "soundcloud"}

_SPOTIFY_USER: Final = re.compile(r"spotify:user:(?P<name>[^:\s]+)(?P<collection>:collection)?")
_SPOTIFY_LIST: Final = re.compile(r"spotify:user:[^:]+:(playlist:[^:]+)")
_LOCALE: Final = r"(?:/(?:intl-)?[A-Za-z]{2}(?:-[A-Za-z]{2})?)?"
_PATHS: Final = {
    "spotify": re.compile(rf"{_LOCALE}(?:/embed)?(?:/user/[^/]+(?=/playlist/))?/(?P<kind>[a-z]+)/(?P<key>[^/]+)/?"),
    "deezer": re.compile(rf"{_LOCALE}/(?P<kind>[A-Za-z]+)/(?P<key>[^/]+)(?:/top_tracks?)?/?"),
    "soundcloud": re.compile(r"/(?P<kind>users)/(?P<key>[^/]+)/?"),
}
_HOSTS: Final = {
    "open.spotify.com": "spotify",
    "play.spotify.com": "spotify",
    "www.deezer.com": "deezer",
    "deezer.com": "deezer",
    "api.soundcloud.com": "soundcloud",
}
_PERMALINK_HOSTS: Final = frozenset({"soundcloud.com", "www.soundcloud.com", "m.soundcloud.com"})
_SHORT_HOSTS: Final = frozenset({"link.deezer.com", "deezer.page.link", "dzr.page.link"})


def parse_address(text: str, *, expected: Kind | None = None) -> ServiceAddress | None:
    """Return what a text names, None where it has none of the forms.

    A bare id names something of the kind that is `expected`: a track or playlist of Spotify, a user of SoundCloud.
    """
    address = text.strip()
    if not address or len(address) > MAX_TEXT_LENGTH:
        return None
    bare = _BARE.get(expected) if expected else None
    if expected and bare and KEYS[bare].fullmatch(address):
        return ServiceAddress(bare, expected, address)
    source, separator, rest = address.partition(":")
    if separator and source in KEYS:
        return _from_urn(source, rest, address)
    return _from_web_address(address)


def service_of(text: str) -> str | None:
    """Return the service that a text belongs to by its first word or its host, be the rest of it right or wrong."""
    address = text.strip()
    host, _ = address_parts(address)
    words = {*host.split("."), *address.split(":")[:-1][:1]}
    return next((service for service in ("deezer", "spotify", "soundcloud") if service in words), None)


def is_short_link(text: str) -> bool:
    """Tell whether a text is a short link of Deezer, whose target is known only after following it."""
    return address_parts(text.strip())[0] in _SHORT_HOSTS


def address_parts(address: str) -> tuple[str, str]:
    """Split a web address into lower-case host and path, with or without its scheme; ("", "") when it is none."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    if parts.scheme not in {"http", "https"} or parts.username is not None or port not in {None, 80, 443}:
        return "", ""
    return host, parts.path


def _from_urn(source: str, rest: str, address: str) -> ServiceAddress | None:
    if match := _SPOTIFY_USER.fullmatch(address):
        return ServiceAddress("spotify", Kind.COLLECTION if match["collection"] else Kind.USER, match["name"])
    in_user = _SPOTIFY_LIST.fullmatch(address)
    kind, _, key = (in_user[1] if in_user else rest).partition(":")
    return _checked(source, kind, key.lower() if source == "file" else key)


def _from_web_address(address: str) -> ServiceAddress | None:
    host, path = address_parts(address)
    if host in _PERMALINK_HOSTS:
        steps = [step for step in path.split("/") if step]
        return ServiceAddress("soundcloud", Kind.PERMALINK, "/".join(steps)) if len(steps) == 2 else None
    source = _HOSTS.get(host)
    match = _PATHS[source].fullmatch(path) if source else None
    if source is None or match is None:
        return None
    if source == "spotify" and match["kind"] == Kind.USER:
        return _from_urn(source, "", f"spotify:user:{match['key']}")
    return _checked(source, match["kind"].lower(), match["key"])


def _checked(source: str, kind: str, key: str) -> ServiceAddress | None:
    known = {_word(source, each): each for each in _KINDS[source]}.get(kind)
    return ServiceAddress(source, known, key) if known and KEYS[source].fullmatch(key) else None


def _word(source: str, kind: Kind) -> str:
    return f"{kind}s" if source == "soundcloud" else kind.value
