"""What people call a track at the command line: a link, a URN, an id, a file on this disk, or its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from pydantic import BaseModel

from soundalike.domain.service_urls import Kind, parse_address
from soundalike.domain.text import escape
from soundalike.local.api_client import ApiClient, ApiError, read
from soundalike.local.errors import LocalPlatformError
from soundalike.local.recommendation import TrackSummary

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES: Final = 6
_URN_STARTS: Final = ("spotify:", "deezer:", "soundcloud:", "file:")


class UnknownName(LocalPlatformError):
    """Nothing in the catalogue has that name."""


@dataclass(frozen=True, slots=True)
class NamedTrack:
    """What a text names: the text for the API, or a `file` that the catalogue lacks; `notes` say what was taken."""

    track: str | None = None
    file: Path | None = None
    notes: tuple[str, ...] = ()


class _Result(TrackSummary):
    match: Literal["exact", "prefix", "typo"]
    state: str
    reason: str | None = None


class _Results(BaseModel):
    results: list[_Result]


class _Details(TrackSummary):
    state: str


def resolve(api: ApiClient, text: str) -> NamedTrack:
    """Find what a text names; raises `UnknownName`, `UnusableFile` and `ApiError`.

    Addresses and ids are left to the API. A file is looked up by its sound, and a name among the tracks that are ready.
    """
    if parse_address(text, expected=Kind.TRACK) is not None or "://" in text or text.startswith(_URN_STARTS):
        return NamedTrack(text)
    if not text.strip():
        raise UnknownName("An empty text names no track.")
    file = _file(text)
    return _by_name(api, text) if file is None else _by_file(api, file)


def _by_file(api: ApiClient, file: Path) -> NamedTrack:
    # FFmpeg takes a moment to load, which other names need not wait for.
    from soundalike.local.recording_file import urn_of

    urn = urn_of(file)
    try:
        track = read(_Details, api.get(f"/tracks/{quote(urn, safe=':')}", {}))
    except ApiError as error:
        if error.status != 404:
            raise
        return NamedTrack(file=file)
    if track.state != "ready":
        return NamedTrack(file=file)
    return NamedTrack(urn, notes=(f"{escape(str(file))} is in the catalogue: {track.label()}",))


def _by_name(api: ApiClient, text: str) -> NamedTrack:
    results = _search(api, text, {"state": "ready"})
    if not results:
        raise _unknown(api, text)
    first, *further = results
    others = [each for each in further if each.match == first.match]
    notes = [f'"{escape(text)}": {_line(first)}', *(f"  or: {_line(each)}" for each in others)]
    if others:
        notes.append("Name one of these by its URN to choose it.")
    return NamedTrack(first.urn, notes=tuple(notes))


def _unknown(api: ApiClient, text: str) -> UnknownName:
    shown = escape(text)
    for track in _search(api, text, {})[:1]:
        reason = f": {escape(track.reason)}" if track.reason else ""
        return UnknownName(f'"{shown}": {_line(track)} cannot be compared yet, its state is {track.state}{reason}.')
    if "/" in text or Path(text).suffix:
        return UnknownName(f'There is no file "{shown}", and nothing in the catalogue has that name.')
    return UnknownName(f'Nothing in the catalogue has the name "{shown}". Crawl it first, or give the link of a track.')


def _search(api: ApiClient, text: str, query: Mapping[str, str]) -> list[_Result]:
    return read(_Results, api.get("/search", {"q": text, "n": str(_CHOICES), **query})).results


def _line(track: TrackSummary) -> str:
    return f"{track.label()}  ({track.urn})"


def _file(text: str) -> Path | None:
    path = Path(text)
    try:
        path = path.expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        # Longer than a path may be, or of a user who does not exist: a name.
        return None
