"""The ids of tracks that are files: by the hash of their sound (docs/identity.md has the rule)."""

from __future__ import annotations

import hashlib
from typing import Final

from soundalike.domain.track_id import TrackId

IDENTITY_VERSION: Final = 1
"""Of the rule; another rule gives other hashes to the same files, and needs another number."""

WHOLE_FILE_VERSION: Final = 0
"""Of the rule before: the SHA-256 of the whole file."""


def file_id(digest: str) -> TrackId:
    """Return the id of a file whose coded audio has that digest (64 hexadecimal digits)."""
    return TrackId("file", digest)


def segment_id(digest: str, start_ms: int, end_ms: int) -> TrackId:
    """Return the id of a part of a file whose coded audio has that digest."""
    return TrackId("file", hashlib.sha256(f"{digest} {start_ms} {end_ms}".encode()).hexdigest())
