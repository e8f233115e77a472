"""What can go wrong inside the API, as types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundalike.errors import SoundalikeError

if TYPE_CHECKING:
    from soundalike.db.catalogue_tracks import CatalogueTrack


class ApiError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class InvalidVersion(ApiError):
    """A published version is incomplete, altered or not what its row in the database says."""


class SnapshotUnavailable(ApiError):
    """There is no index yet: the program has just started, or nothing was ever extracted."""


class KeysUnavailable(ApiError):
    """The valid keys have not been read yet: the program has just started, or the database is away."""


class InvalidLink(ApiError):
    """A signed link has expired, was altered, or its key is no longer valid; the message says which."""


class NoTasteData(ApiError):
    """No favourites are known for the seeds, and only taste was requested."""


class SeedNotReady(ApiError):
    """A seed is unknown or cannot be compared; `track` is what the catalogue holds of it, None for nothing."""

    def __init__(self, urn: str, track: CatalogueTrack | None) -> None:
        super().__init__(f"{urn} is not ready")
        self.urn, self.track = urn, track


class TooManyListeners(ApiError):
    """As many follow the status as one process takes; trying again later can succeed."""


class UploadRejected(ApiError):
    """An uploaded file cannot be analysed; the message says why."""


class ExtractorUnavailable(ApiError):
    """No extractor answers, or nothing reaches one; trying again later can succeed."""


class TooManyUploads(ApiError):
    """As many uploads are in progress as one process takes; trying again in a few seconds can succeed."""


class LeadsOut(ApiError):
    """A path leads out of the folder below which it has to stay."""


class UnsatisfiableRange(ApiError):
    """A range of bytes lies behind the end of the file."""


class TooManyStreams(ApiError):
    """As many files are being transcoded as one process takes; trying again in a few seconds can succeed."""


class Unplayable(ApiError):
    """A file cannot be played; the message says why."""


class TranscoderUnavailable(ApiError):
    """The transcoding process failed through no fault of the file."""


class RecordingCutShort(ApiError):
    """A file ends, or cannot be read on, before what was announced of it was sent."""


class FileGone(ApiError):
    """The file of a track is not where it was."""


class FileOutside(ApiError):
    """The file of a track lies, or a link in its path leads, out of its library."""


class FileUnreadable(ApiError):
    """The file of a track cannot be read."""
