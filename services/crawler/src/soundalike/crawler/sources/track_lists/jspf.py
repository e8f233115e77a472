"""JSPF, the JSON form of XSPF (www.xspf.org/jspf), as ListenBrainz and others write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from soundalike.crawler.sources.track_lists.row import (
    AmbiguousRow,
    TrackRow,
    clean_text,
    find_files,
    find_link,
    find_track_id,
    parse_seconds,
    validate_row,
)
from soundalike.domain.isrc import normalised_isrc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.crawler.sources.track_lists.row import Row

_MAX_DEPTH = 6


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Playlist(_Form):
    title: str | None = None
    track: list[Any] = []


class _File(_Form):
    playlist: _Playlist


class _Track(_Form):
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: float | str | None = None
    identifier: list[str] | str | None = None
    location: list[str] | str | None = None
    info: str | None = None
    extension: Any = None


def read(text: str) -> tuple[str | None, list[Row]]:
    """Read a playlist; raises ValueError for what is none."""
    try:
        playlist = _File.model_validate(json.loads(text)).playlist
    except (ValidationError, ValueError, RecursionError) as error:
        raise ValueError('this is not JSPF; expected {"playlist": {"track": […]}}') from error
    return playlist.title or None, [track_row(track) for track in playlist.track]


def track_row(body: Any) -> Row:
    """Return the row of one track with the fields of the format."""
    try:
        track = _Track.model_validate(body)
    except ValidationError:
        return AmbiguousRow("", "entry in an unknown format")
    addresses = [*_as_list(track.identifier), *_as_list(track.location), *_as_list(track.info)]
    marked = [text.rpartition(":")[2] for text in addresses if "isrc" in text.casefold()]
    codes = (normalised_isrc(text) for text in (*marked, *_isrcs(track.extension, _MAX_DEPTH)))
    return validate_row(
        TrackRow(
            title=clean_text(track.title),
            artists=(clean_text(track.creator),) if clean_text(track.creator) else (),
            album=clean_text(track.album) or None,
            seconds=parse_seconds(str(track.duration), milliseconds=True) if track.duration is not None else None,
            isrc=next((code for code in codes if code), None),
            id=find_track_id(addresses),
            link=find_link(addresses),
            files=find_files(_as_list(track.location)),
        )
    )


def _as_list(value: list[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _isrcs(value: Any, depth: int) -> Iterator[str]:
    """Yield every text under a key `isrc`: extensions may hold anything."""
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value:
            yield from _isrcs(one, depth - 1)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key.casefold() in {"isrc", "isrcs"}:
                yield from (text for text in (one if isinstance(one, list) else [one]) if isinstance(text, str))
            else:
                yield from _isrcs(one, depth - 1)
