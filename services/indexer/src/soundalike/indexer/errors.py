"""Reasons why no version was published."""

from __future__ import annotations

from soundalike.db.database import CONNECTION_FAILURES
from soundalike.errors import PermanentError, SoundalikeError, TransientError


class IndexerError(SoundalikeError):
    """Root of everything the indexer raises on purpose."""


class NothingToIndex(IndexerError, PermanentError):
    """The current model has no embeddings yet, or there is no model yet."""


class RecallTooLow(IndexerError, PermanentError):
    """The recall of the index is too low for it to be published."""


class DiskTooFull(IndexerError, TransientError):
    """The folder for temporary files has too little space for the build."""


class BuilderBusy(IndexerError, TransientError):
    """Another indexer is building."""


class NoSuchVersion(IndexerError, PermanentError):
    """The requested version is unknown, or its files are not in the bucket any more."""


EXPECTED_FAILURES: tuple[type[Exception], ...] = (
    SoundalikeError,
    *CONNECTION_FAILURES,
)
"""Failures of a build that are reported in a sentence, without a traceback."""
