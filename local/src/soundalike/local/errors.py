"""Errors of the platform on one machine."""

from __future__ import annotations

from soundalike.errors import SoundalikeError


class LocalPlatformError(SoundalikeError):
    """Root of this package's errors; the message says what to do."""


class AlreadyRunning(LocalPlatformError):
    """Another platform uses the data directory."""


class NotRunning(LocalPlatformError):
    """No platform runs on the data directory."""


class UnusableDataDirectory(LocalPlatformError):
    """The data directory cannot be used: of another user, of another version, or damaged."""


class PortInUse(LocalPlatformError):
    """Another program listens on a port that is needed."""


class StartFailure(LocalPlatformError):
    """A part of the platform did not start."""


class InvalidSettings(StartFailure):
    """A part of the platform has invalid settings (exit status 78); starting it again cannot help."""


class PrivilegeError(LocalPlatformError):
    """A program that refuses to run as root cannot run as another user here."""


class NotInstalled(LocalPlatformError):
    """An optional package is missing in this environment."""


class UnusableFile(LocalPlatformError):
    """A file cannot be read, or not as music, or is not in the catalogue where only its tracks are compared."""
