"""What one line of a list says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT_LENGTH: Final = 1000
_MAX_SECONDS: Final = 2_000_000
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)")
_MIN_MILLISECONDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track as a list names it, with its id where the list knows one that we know; the length in seconds."""

    title: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None
    seconds: float | None = None
    isrc: str | None = None
    id: TrackId | None = None

    @property
    def label(self) -> str:
        """What the row is called in reports."""
        return " - ".join(filter(None, (", ".join(self.artists), self.title))) or self.isrc or str(self.id or "")


@dataclass(frozen=True, slots=True)
class AmbiguousRow:
    """A line that does not tell which track is meant, with the reason."""

    label: str
    reason: str


Row: TypeAlias = TrackRow | AmbiguousRow

AMBIGUOUS: Final = "neither an id, an ISRC, nor title and artist"


def validate_row(row: TrackRow) -> Row:
    """Return a row that tells which track is meant, or say that it does not."""
    if row.id is not None or row.isrc is not None or (row.title and row.artists):
        return row
    return AmbiguousRow(row.label, AMBIGUOUS)


def clean_text(value: object) -> str:
    """Return a cell's text in one line, without what PostgreSQL or a terminal could stumble over."""
    return " ".join(clean(str(value)[: 2 * MAX_TEXT_LENGTH]).split())[:MAX_TEXT_LENGTH] if value is not None else ""


def find_track_id(texts: Iterable[str]) -> TrackId | None:
    """Return the first track of Spotify or Deezer that one of the texts names."""
    for text in texts:
        try:
            track = TrackId.parse(text)
        except InvalidTrackId:
            continue
        if track.source in {"spotify", "deezer"}:
            return track
    return None


def parse_seconds(text: str, *, milliseconds: bool = False) -> float | None:
    """Return a length: 3:45, 0:03:45, seconds, or milliseconds where that is said or the number is large."""
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    seconds = number / 1000 if milliseconds or number >= _MIN_MILLISECONDS else number
    return seconds if 0 < seconds < _MAX_SECONDS else None
