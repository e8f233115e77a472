"""JSPF, the JSON form of XSPF (www.xspf.org/jspf), as ListenBrainz and others write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from soundalike.crawler.sources.track_lists.row import ListedRow, UnclearRow, checked, seconds_in, text_of, track_id_in
from soundalike.domain.isrc import normalised_isrc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundalike.crawler.sources.track_lists.row import Row

_DEEPEST = 6


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
        raise ValueError('this is no JSPF; expected {"playlist": {"track": […]}}') from error
    return playlist.title or None, [_row(track) for track in playlist.track]


def _row(body: Any) -> Row:
    try:
        track = _Track.model_validate(body)
    except ValidationError:
        return UnclearRow("", "entry in a form that is not understood")
    addresses = [*_listed(track.identifier), *_listed(track.location), *_listed(track.info)]
    marked = [text.rpartition(":")[2] for text in addresses if "isrc" in text.casefold()]
    codes = (normalised_isrc(text) for text in (*marked, *_codes(track.extension, _DEEPEST)))
    return checked(
        ListedRow(
            title=text_of(track.title),
            artists=(text_of(track.creator),) if text_of(track.creator) else (),
            album=text_of(track.album) or None,
            seconds=seconds_in(str(track.duration), milliseconds=True) if track.duration is not None else None,
            isrc=next((code for code in codes if code), None),
            id=track_id_in(addresses),
        )
    )


def _listed(value: list[str] | str | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []


def _codes(value: Any, depth: int) -> Iterator[str]:
    """Yield every text under a key `isrc`: extensions may hold anything."""
    if depth == 0:
        return
    if isinstance(value, list):
        for one in value:
            yield from _codes(one, depth - 1)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key.casefold() in {"isrc", "isrcs"}:
                yield from (text for text in (one if isinstance(one, list) else [one]) if isinstance(text, str))
            else:
                yield from _codes(one, depth - 1)
