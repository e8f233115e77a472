"""What can be wrong with a similarity index; its files have errors of their own (`storage.artifacts`)."""

from soundalike.errors import SoundalikeError


class SearchIndexError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class EmptyIndex(SearchIndexError, ValueError):
    """There is no vector to build an index of."""


class InvalidBuildInput(SearchIndexError, ValueError):
    """The vectors, names and parameters handed to a build do not fit together."""


class InvalidQuery(SearchIndexError, ValueError):
    """A query vector has another length than those of the index, or holds values that are not finite."""


class VersionClosed(SearchIndexError):
    """The version was closed; use the newer one."""


class EngineMissing(SearchIndexError):
    """The engine of an index is not installed here."""
