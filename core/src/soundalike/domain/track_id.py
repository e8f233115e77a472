"""Identity of a track: one value object, one text form, and a parser for what people paste."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from soundalike.errors import InvalidTrackId

LONGEST_TEXT = 2048

ACCEPTED_FORMS = (
    "spotify:track:<22 letters and digits>, a bare Spotify track id, an open.spotify.com/track/… address, "
    "deezer:track:<digits>, a deezer.com/track/… address, soundcloud:tracks:<digits>, "
    "the soundcloud.com address of a track the catalogue knows, or file:track:<64 hex digits>"
)

# source -> (word between source and key in the URN, form of the key)
_FORMS = {
    "spotify": ("track", re.compile(r"[0-9A-Za-z]{22}")),
    "deezer": ("track", re.compile(r"[1-9][0-9]{0,18}")),
    "soundcloud": ("tracks", re.compile(r"[1-9][0-9]{0,18}")),
    "file": ("track", re.compile(r"[0-9a-f]{64}")),
}
_SPOTIFY_PATH = re.compile(r"(?:/intl-[A-Za-z]{2}(?:-[A-Za-z]{2})?)?(?:/embed)?/track/([^/]+)/?")
_DEEZER_PATH = re.compile(r"(?:/[a-z]{2}(?:-[a-z]{2})?)?/track/([^/]+)/?")


@dataclass(frozen=True, order=True, slots=True)
class TrackId:
    """One track of one source; equal when source and key are equal.

    `source` is one of spotify, deezer, soundcloud, file; `key` is that source's own identifier.
    Raises `InvalidTrackId` when the two do not fit each other.
    """

    source: str
    key: str

    def __post_init__(self) -> None:
        form = _FORMS.get(self.source)
        if form is None or not form[1].fullmatch(self.key):
            raise InvalidTrackId(f"{self.source}:{self.key} names no track; accepted are {ACCEPTED_FORMS}")

    @property
    def urn(self) -> str:
        """The one text form, as stored in the database."""
        return f"{self.source}:{_FORMS[self.source][0]}:{self.key}"

    def __str__(self) -> str:
        return self.urn

    @classmethod
    def from_urn(cls, urn: str) -> TrackId:
        """Read the stored text form back; raises `InvalidTrackId` for anything else."""
        parts = urn.split(":")
        if len(parts) == 3 and parts[0] in _FORMS and parts[1] == _FORMS[parts[0]][0]:
            return cls(parts[0], parts[2])
        raise InvalidTrackId(f"{_shown(urn)} is no track URN; accepted are {ACCEPTED_FORMS}")

    @classmethod
    def parse(cls, text: str) -> TrackId:
        """Read what a person pastes: a URN, a bare Spotify id, or a track's address; nothing is fetched.

        Raises `InvalidTrackId` naming the accepted forms.
        """
        pasted = text.strip()
        if not pasted or len(pasted) > LONGEST_TEXT:
            raise InvalidTrackId(f"expected a track of at most {LONGEST_TEXT} characters: {ACCEPTED_FORMS}")
        if _FORMS["spotify"][1].fullmatch(pasted):
            return cls("spotify", pasted)
        source = pasted.partition(":")[0]
        if source in _FORMS:
            return cls.from_urn(pasted.lower() if source == "file" else pasted)
        return cls._from_address(pasted)

    @classmethod
    def _from_address(cls, pasted: str) -> TrackId:
        host, path = address_parts(pasted)
        if host in {"open.spotify.com", "play.spotify.com"} and (match := _SPOTIFY_PATH.fullmatch(path)):
            return cls("spotify", match[1])
        if host in {"www.deezer.com", "deezer.com"} and (match := _DEEZER_PATH.fullmatch(path)):
            return cls("deezer", match[1])
        raise InvalidTrackId(f"{_shown(pasted)} names no track; accepted are {ACCEPTED_FORMS}")


def address_parts(pasted: str) -> tuple[str, str]:
    """Split a web address into lower-case host and path, with or without its scheme; ("", "") when it is none."""
    try:
        parts = urlsplit(pasted if "://" in pasted else f"https://{pasted}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", ""
    if parts.scheme not in {"http", "https"} or parts.username is not None or port not in {None, 80, 443}:
        return "", ""
    return host, parts.path


def soundcloud_permalink(pasted: str) -> str | None:
    """Return the stored form of a soundcloud.com track address, `https://soundcloud.com/<user>/<track>`, or None."""
    host, path = address_parts(pasted.strip())
    if host not in {"soundcloud.com", "www.soundcloud.com", "m.soundcloud.com"}:
        return None
    steps = [step for step in path.split("/") if step]
    return f"https://soundcloud.com/{steps[0]}/{steps[1]}" if len(steps) == 2 else None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}…")
