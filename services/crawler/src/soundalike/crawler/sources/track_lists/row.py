"""What one line of a list says."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from soundalike.crawler.sources.track_lists.file_address import is_file_text
from soundalike.domain.text import clean
from soundalike.domain.track_id import TrackId, soundcloud_permalink
from soundalike.errors import InvalidTrackId

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT_LENGTH: Final = 1000
MAX_PATH_LENGTH: Final = 12_300
"""Of Linux, every byte percent-encoded."""

_MAX_SECONDS: Final = 2_000_000
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)")
_MIN_MILLISECONDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track as a list names it, with its id where the list knows one that we know; the length in seconds.

    `link` is the address of a track of SoundCloud, `files` are texts that may be paths or URIs of a file.
    """

    title: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None
    seconds: float | None = None
    isrc: str | None = None
    id: TrackId | None = None
    link: str | None = None
    files: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the row is called in reports."""
        return (
            " - ".join(filter(None, (", ".join(self.artists), self.title)))
            or self.isrc
            or str(self.id or self.link or "")
        )


@dataclass(frozen=True, slots=True)
class AmbiguousRow:
    """A line that does not tell which track is meant, with the reason."""

    label: str
    reason: str


Row: TypeAlias = TrackRow | AmbiguousRow

AMBIGUOUS: Final = "neither an id, an ISRC, nor title and artist"


def validate_row(row: TrackRow) -> Row:
    """Return a row that tells which track is meant, or say that it does not."""
    if row.id is not None or row.isrc is not None or row.link or row.files or (row.title and row.artists):
        return row
    return AmbiguousRow(row.label, AMBIGUOUS)


def clean_text(value: object) -> str:
    """Return a cell's text in one line, without what PostgreSQL or a terminal could stumble over."""
    return " ".join(clean(str(value)[: 2 * MAX_TEXT_LENGTH]).split())[:MAX_TEXT_LENGTH] if value is not None else ""


def find_track_id(texts: Iterable[str]) -> TrackId | None:
    """Return the first track that one of the texts names by an id."""
    for text in texts:
        with suppress(InvalidTrackId):
            return TrackId.parse(text)
    return None


def find_link(texts: Iterable[str]) -> str | None:
    """Return the first address of a track of SoundCloud, which only the catalogue can resolve."""
    return next((link for text in texts if (link := soundcloud_permalink(text))), None)


def find_files(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that may be paths or URIs of files, and are no ids."""
    return tuple(
        text for text in texts if is_file_text(text) and len(text) <= MAX_PATH_LENGTH and not find_track_id([text])
    )


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
