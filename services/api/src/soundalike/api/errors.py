"""What can go wrong inside the API, as types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soundalike.api.repository import HeardTrack


class ApiError(Exception):
    """Root of everything this package raises on purpose."""


class VersionRefused(ApiError):
    """A published version is incomplete, altered or not what its row in the database says."""


class DatabaseAway(ApiError):
    """The database does not answer at the moment; trying again in a few seconds can succeed."""


class NotLoaded(ApiError):
    """There is no space to search yet: the program has just started, or nothing was ever extracted."""


class KeysUnknown(ApiError):
    """The valid keys have not been read yet: the program has just started, or the database is away."""


class NotInSpace(ApiError):
    """Tracks that are asked about have no vector in the space; `urns` names them."""

    def __init__(self, urns: Sequence[str]) -> None:
        super().__init__(f"there is no vector of {', '.join(urns)}")
        self.urns = tuple(urns)


class NoTaste(ApiError):
    """Nothing is known of who else favourites what is asked about, and nothing else was asked for."""


class NotShown(ApiError):
    """A track that is asked about has a vector and is not ready; `heard` is what is known of it, None for nothing."""

    def __init__(self, urn: str, heard: HeardTrack | None) -> None:
        super().__init__(f"{urn} is not ready")
        self.urn, self.heard = urn, heard


class RecordingRefused(ApiError):
    """A recording that was sent can never be heard; the message says why."""


class NobodyListens(ApiError):
    """No extractor answers, or nothing reaches one; trying again later can succeed."""


class TooManyRecordings(ApiError):
    """As many recordings are under way as one process takes; trying again in a few seconds can succeed."""
