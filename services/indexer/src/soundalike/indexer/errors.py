"""Why no version was published, as types."""

from __future__ import annotations

from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import PermanentError, SoundalikeError, TransientError


class IndexerError(SoundalikeError):
    """Root of everything the indexer raises on purpose."""


class NothingToIndex(IndexerError, PermanentError):
    """The current model has not heard a track yet, or there is no model yet."""


class RecallTooLow(IndexerError, PermanentError):
    """The index finds too few of the true neighbours to be published."""


class DiskTooFull(IndexerError, TransientError):
    """The folder for temporary files has too little room for the build."""


class BuilderBusy(IndexerError, TransientError):
    """Another indexer is building at this moment."""


class NoSuchVersion(IndexerError, PermanentError):
    """The version that was asked for is unknown, or its files are not in the bucket any more."""


EXPECTED_FAILURES: tuple[type[Exception], ...] = (
    SoundalikeError,
    *CONNECTION_FAILURES,
)
"""What can come in the way of a version and is told in a sentence rather than a traceback."""
