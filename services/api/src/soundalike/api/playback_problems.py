"""Error responses about playing files."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from soundalike.api.errors import FileGone, FileOutside
from soundalike.api.problems import Kind, Problem

if TYPE_CHECKING:
    from soundalike.api.errors import FileUnreadable

_FILE_GONE: Final = Kind("file-gone", "File is gone", HTTPStatus.GONE)
_FILE_OUTSIDE: Final = Kind("file-outside", "File lies outside the library", HTTPStatus.NOT_FOUND)
_FILE_UNREADABLE: Final = Kind("file-unreadable", "File cannot be read", HTTPStatus.NOT_FOUND)
_OTHER_PLAYER: Final = Kind("played-elsewhere", "Track is played by its service", HTTPStatus.UNPROCESSABLE_ENTITY)
_UNPLAYABLE: Final = Kind("unplayable", "File cannot be played", HTTPStatus.UNPROCESSABLE_ENTITY)
_TOO_MANY_STREAMS: Final = Kind("too-many-streams", "Too many streams at once", HTTPStatus.SERVICE_UNAVAILABLE)
_TRANSCODER_UNAVAILABLE: Final = Kind("no-transcoder", "Transcoding failed", HTTPStatus.SERVICE_UNAVAILABLE)
_RANGE: Final = Kind("http", "Range Not Satisfiable", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
_RETRY_AFTER_S: Final = 5


def no_file(urn: str, failure: FileGone | FileOutside | FileUnreadable) -> Problem:
    """Report that no file of a track can be opened, and what to do."""
    if isinstance(failure, FileGone):
        remedy = "put it back, or crawl the folder where it lies now: make crawl FOLDER=<path>"
        return Problem(_FILE_GONE, f"{failure}; {remedy}", track=urn)
    if isinstance(failure, FileOutside):
        remedy = "only what lies in a library itself is played; crawl the folder to which the link leads"
        return Problem(_FILE_OUTSIDE, f"{failure}; {remedy}", track=urn)
    return Problem(_FILE_UNREADABLE, f"{failure}; let the user that runs the API read it", track=urn)


def played_elsewhere(urn: str, source: str, link: str | None) -> Problem:
    """Report that a track of a service is played by that service only."""
    detail = f"{urn} is played by its service, {source}" + (f": {link}" if link else "")
    return Problem(_OTHER_PLAYER, detail, track=urn, link=link)


def unplayable(urn: str, reason: str) -> Problem:
    """Report why a file cannot be played."""
    return Problem(_UNPLAYABLE, reason, track=urn)


def too_many_streams(detail: str) -> Problem:
    """Report that as many files are being transcoded as are allowed."""
    return Problem(_TOO_MANY_STREAMS, f"{detail}; try again in a few seconds", retry_after_s=_RETRY_AFTER_S)


def transcoder_unavailable(detail: str) -> Problem:
    """Report that transcoding failed through no fault of the file."""
    return Problem(_TRANSCODER_UNAVAILABLE, f"{detail}; try again in a few seconds", retry_after_s=_RETRY_AFTER_S)


def unsatisfiable_range(size: int) -> Problem:
    """Report that a range begins behind the end of a file."""
    return Problem(_RANGE, f"the file has {size} bytes", headers={"Content-Range": f"bytes */{size}"})
