"""Deezer's JSON, parsed at the edge; field names as in replies recorded from 2019 to 2025."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from soundalike.db.tracks import Track
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import Missing, RateLimited, ServiceRefused, ServiceUnavailable

_QUOTA_EXCEEDED: Final = 4
_SERVICE_UNAVAILABLE: Final = 700
_NO_DATA: Final = 800
_MAX_MESSAGE_LENGTH: Final = 200
_MAX_SECONDS: Final = 2_000_000
_EXPIRY: Final = re.compile(r"\bexp=(\d{1,12})(?!\d)")


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Artist(_Reply):
    id: int | None = None
    name: str | None = None


class _Album(_Reply):
    title: str | None = None


class _TrackReply(_Reply):
    id: int = Field(gt=0, lt=10**19)
    title: str
    title_version: str | None = None
    isrc: str | None = None
    link: str | None = Field(default=None, pattern=r"^https?://")
    duration: int | None = None
    preview: str | None = None
    artist: _Artist | None = None
    contributors: list[_Artist] = []
    album: _Album | None = None


class PageReply(_Reply):
    """Some rows of a list, of `total` where that is told."""

    data: list[Any]
    total: int | None = None
    next: str | None = None


class PlaylistReply(_Reply):
    """A playlist's title and the checksum that changes with its entries."""

    title: str
    checksum: str | None = None


class AlbumReply(_Reply):
    """An album's title, and the artist whose name its tracks leave out."""

    title: str
    artist: _Artist | None = None


class ArtistReply(_Reply):
    """An artist's name."""

    name: str


@dataclass(frozen=True, slots=True)
class DeezerTrack:
    """A track of Deezer, and where its preview lies for the next quarter of an hour, if there is one."""

    track: Track
    preview_url: str | None


@dataclass(frozen=True, slots=True)
class NotATrack:
    """A row that names no track, with the reason."""

    label: str
    reason: str


_R = TypeVar("_R", bound=_Reply)


def check_reply(body: Any) -> Any:
    """Return a body that is no error, and raise the error of any other.

    Raises `Missing`, `ServiceRefused`, `RateLimited`, `ServiceUnavailable`. Errors come with status 200
    as well as 404, as objects with and without a code, and as plain text.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not error:
        return body
    if not isinstance(error, dict):
        _raise_for_text(str(error)[:_MAX_MESSAGE_LENGTH])
    code, kind = error.get("code"), error.get("type")
    message = str(error.get("message") or kind or "an error without a message")[:_MAX_MESSAGE_LENGTH]
    if code == _QUOTA_EXCEEDED:
        raise RateLimited(f"Deezer reached its rate limit: {message}")
    if code == _NO_DATA or (code is None and kind == "DataException"):
        raise Missing(f"Deezer: {message}")
    if code is None or code == _SERVICE_UNAVAILABLE:
        raise ServiceUnavailable(f"Deezer answered: {message}")
    raise ServiceRefused(f"Deezer refuses ({code}): {message}")


def _raise_for_text(error: str) -> NoReturn:
    if error.casefold() in {"not found", "no data"}:
        raise Missing(f"Deezer: {error}")
    raise ServiceUnavailable(f"Deezer answered: {error}")


def parse(model: type[_R], body: Any, what: str) -> _R:
    """Read a reply; raises `ServiceUnavailable` for what has not its form."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise ServiceUnavailable(f"Deezer answered something that is not {what} ({_first_problem(error)})") from error


def parse_track(body: Any) -> DeezerTrack | NotATrack:
    """Read a track object or a row of a list."""
    if not body:
        return NotATrack("", "empty entry")
    try:
        reply = _TrackReply.model_validate(body)
    except ValidationError:
        return NotATrack("", "entry in an unknown format")
    if not reply.title.strip():
        return NotATrack(str(reply.id), "taken down from Deezer")
    return DeezerTrack(_track(reply), reply.preview or None)


def expires_at(url: str) -> float | None:
    """Return the moment (Unix time) at which a preview's address stops working, where it says so."""
    expiry = _EXPIRY.search(url)
    return float(expiry[1]) if expiry else None


def _track(reply: _TrackReply) -> Track:
    people = {artist.name: artist.id for artist in (reply.artist, *reply.contributors) if artist and artist.name}
    version = (reply.title_version or "").strip()
    seconds = reply.duration
    return Track(
        id=TrackId("deezer", str(reply.id)),
        title=reply.title if version in reply.title else f"{reply.title} {version}",
        artists=tuple(people),
        artist_urns=tuple(f"deezer:artist:{key}" for key in people.values() if key),
        album=reply.album.title if reply.album else None,
        duration_ms=seconds * 1000 if seconds and 0 < seconds < _MAX_SECONDS else None,
        isrc=normalised_isrc(reply.isrc),
        link=reply.link or f"https://www.deezer.com/track/{reply.id}",
    )


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
