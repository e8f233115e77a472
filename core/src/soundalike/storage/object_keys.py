"""Names of objects in the bucket, and the way back from a preview's name to its track."""

from __future__ import annotations

import re

from soundalike.domain.track_id import TrackId
from soundalike.errors import InvalidTrackId

PREVIEWS = "previews/"
INDEXES = "indexes/"
TASTE = "taste/"
UPLOADS = "queries/"

_EXTENSION = re.compile(r"[a-z0-9]{1,5}")
_UPLOAD = re.compile(re.escape(UPLOADS) + r"([0-9a-f]{32})\.audio")


def preview_key(track: TrackId, extension: str) -> str:
    """Name the preview of a track: `previews/<source>/<id>.<ext>`; raises ValueError for an invalid extension."""
    if not _EXTENSION.fullmatch(extension):
        raise ValueError(f"{extension!r} is not a file extension")
    return f"{preview_prefix(track)}{extension}"


def preview_prefix(track: TrackId) -> str:
    """Name what the previews of a track begin with, whatever their extension."""
    return f"{PREVIEWS}{track.source}/{track.key}."


def track_of_preview(key: str) -> TrackId:
    """Tell which track a preview belongs to; raises `InvalidTrackId` for a key that follows another form."""
    parts = key.split("/")
    if len(parts) != 3 or f"{parts[0]}/" != PREVIEWS:
        raise InvalidTrackId(f"{key!r} is not a preview; previews are named {PREVIEWS}<source>/<id>.<ext>")
    stem, dot, extension = parts[2].partition(".")
    if not dot or not _EXTENSION.fullmatch(extension):
        raise InvalidTrackId(f"{key!r} is not a preview; previews are named {PREVIEWS}<source>/<id>.<ext>")
    return TrackId(parts[1], stem)


def index_prefix(model: str, version: str) -> str:
    """Name the folder of one index version, with a slash at its end."""
    return f"{INDEXES}{model}/{version}/"


def taste_prefix(version: str) -> str:
    """Name the folder of one taste version, with a slash at its end."""
    return f"{TASTE}{version}/"


def upload_key(upload: str) -> str:
    """Name the audio of an upload: `queries/<id>.audio`; its format is known from its content."""
    return f"{UPLOADS}{upload}.audio"


def upload_of(key: str) -> str | None:
    """Return the id of the upload whose audio has this key, or None for any other key."""
    match = _UPLOAD.fullmatch(key)
    return match[1] if match else None
