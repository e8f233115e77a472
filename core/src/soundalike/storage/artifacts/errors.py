"""What can be wrong with a version of files, as types."""

from soundalike.errors import SoundalikeError


class ArtifactError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class InvalidNames(ArtifactError, ValueError):
    """The names of the rows cannot be told apart, or not be written."""


class InvalidArray(ArtifactError, ValueError):
    """The bytes are no array that this program writes."""


class InvalidManifest(ArtifactError, ValueError):
    """A manifest.json does not say what this program needs to read the version safely."""


class CorruptVersion(ArtifactError):
    """A file of the version is missing, cut short or altered, or does not fit the others."""
