"""Spotify's JSON, in the forms of 2026 and before, parsed at the edge.

Field names follow the OpenAPI description of 2026-05-30; what it calls deprecated is read where it still comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from soundalike.crawler.errors import SourceUnavailable
from soundalike.db.tracks import Track
from soundalike.domain.isrc import normalised_isrc
from soundalike.domain.track_id import TrackId

_ID = r"^[0-9A-Za-z]{22}$"
_MAX_DURATION_MS = 2**31 - 1


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Named(_Reply):
    name: str | None = None
    uri: str | None = None


class _Reference(_Reply):
    id: str | None = Field(default=None, pattern=_ID)


class _ExternalIds(_Reply):
    isrc: str | None = None


class _ExternalUrls(_Reply):
    spotify: str | None = Field(default=None, pattern=r"^https?://")


class _TrackReply(_Reply):
    id: str = Field(pattern=_ID)
    name: str
    artists: list[_Named] = []
    album: _Named | None = None
    duration_ms: int | None = None
    external_ids: _ExternalIds | None = None
    external_urls: _ExternalUrls | None = None
    linked_from: _Reference | None = None
    preview_url: str | None = None


class _EntryReply(_Reply):
    is_local: bool | None = None
    # 2026: `item`, and the same once more as the deprecated `track`; before: `track` alone.
    item: dict[str, Any] | None = None
    track: dict[str, Any] | None = None


class PageReply(_Reply):
    """One page of a playlist: `items` from `offset` on, of `total`."""

    items: list[Any]
    total: int = Field(ge=0)


class PlaylistReply(_Reply):
    """What a playlist is called, and the version that changes with its entries."""

    name: str
    snapshot_id: str | None = None


class AlbumReply(_Reply):
    """What an album is called, whose it is, and how many tracks it has."""

    name: str
    artists: list[_Named] = []
    total_tracks: int = Field(ge=0)
    tracks: PageReply

    @property
    def title(self) -> str:
        """Artists and name in a line."""
        artists = ", ".join(artist.name for artist in self.artists if artist.name)
        return f"{artists} - {self.name}" if artists else self.name


class UserReply(_Reply):
    """The id of a user."""

    id: str = Field(min_length=1)


class SavedReply(_Reply):
    """The newest of the tracks that a user saved, and how many there are."""

    items: list[Any]
    total: int = Field(ge=0)

    @property
    def version(self) -> str:
        """A text that changes whenever a track is saved or taken out."""
        newest = self.items[0].get("added_at") if self.items and isinstance(self.items[0], dict) else None
        return f"{self.total} {newest or ''}".strip()


class _PlaylistReference(_Reply):
    id: str = Field(pattern=_ID)


@dataclass(frozen=True, slots=True)
class TrackOnList:
    """A track of Spotify, and where its preview lies if there is one."""

    track: Track
    preview_url: str | None


@dataclass(frozen=True, slots=True)
class NotATrack:
    """Anything else that stands in a playlist, with the reason why it is passed over."""

    label: str
    reason: str
    detail: str = ""


ParsedEntry: TypeAlias = TrackOnList | NotATrack

_R = TypeVar("_R", bound=_Reply)


def parse_page(body: Any) -> PageReply:
    """Read a page of `/playlists/{id}/items`; raises `SourceUnavailable` for anything else."""
    return _parse(PageReply, body, "a page of the playlist")


def parse_playlist(body: Any) -> PlaylistReply:
    """Read the name and version of a playlist; raises `SourceUnavailable` for anything else."""
    return _parse(PlaylistReply, body, "the playlist")


def parse_album(body: Any) -> AlbumReply:
    """Read an album; raises `SourceUnavailable` for anything else."""
    return _parse(AlbumReply, body, "the album")


def parse_user(body: Any) -> UserReply:
    """Read a user; raises `SourceUnavailable` for anything else."""
    return _parse(UserReply, body, "the user")


def parse_saved(body: Any) -> SavedReply:
    """Read a page of saved tracks; raises `SourceUnavailable` for anything else."""
    return _parse(SavedReply, body, "a page of saved tracks")


def parse_playlist_ids(body: Any) -> tuple[list[str], int]:
    """Read the ids of a page of playlists, and how many there are; raises `SourceUnavailable` for anything else."""
    page = _parse(PageReply, body, "a page of playlists")
    # A followed playlist that was taken down is null.
    return [_parse(_PlaylistReference, item, "a playlist").id for item in page.items if item], page.total


def track_id_of(body: Any) -> str | None:
    """Return the id of a track as an album lists it, None for what has none."""
    try:
        return _Reference.model_validate(body).id
    except ValidationError:
        return None


def parse_entry(body: Any) -> ParsedEntry:
    """Read one entry of a page."""
    try:
        entry = _EntryReply.model_validate(body or {})
    except ValidationError as error:
        return NotATrack("", "entry in an unknown format", _first_problem(error))
    content = entry.item or entry.track
    if not content:
        return NotATrack("", "empty entry")
    label = str(content.get("name") or content.get("uri") or "")[:200]
    if entry.is_local or content.get("is_local"):
        return NotATrack(label, "local file of the playlist's owner")
    kind = content.get("type", "track")
    if kind == "track":
        return parse_track(content)
    return NotATrack(label, "episode" if kind == "episode" else f"an object of type {str(kind)[:40]!r}")


def parse_track(body: Any) -> ParsedEntry:
    """Read a track object."""
    try:
        reply = _TrackReply.model_validate(body)
    except ValidationError as error:
        return NotATrack("", "entry in an unknown format", _first_problem(error))
    if not reply.name.strip() and not reply.duration_ms:
        return NotATrack(reply.id, "taken down from Spotify")
    return TrackOnList(_track(reply), reply.preview_url or None)


def _track(reply: _TrackReply) -> Track:
    # What a market plays in a track's place has another id; the one on the list stays the same everywhere.
    listed_id = (reply.linked_from.id if reply.linked_from else None) or reply.id
    link = reply.external_urls.spotify if reply.external_urls else None
    duration = reply.duration_ms
    return Track(
        id=TrackId("spotify", listed_id),
        title=reply.name,
        artists=tuple(artist.name for artist in reply.artists if artist.name),
        artist_urns=tuple(artist.uri for artist in reply.artists if artist.name and artist.uri),
        album=reply.album.name if reply.album else None,
        duration_ms=duration if duration and 0 < duration <= _MAX_DURATION_MS else None,
        isrc=normalised_isrc(reply.external_ids.isrc if reply.external_ids else None),
        link=link or f"https://open.spotify.com/track/{listed_id}",
    )


def _parse(model: type[_R], body: Any, what: str) -> _R:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise SourceUnavailable(f"Spotify answered something that is not {what} ({_first_problem(error)})") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
