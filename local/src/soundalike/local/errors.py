"""What can go wrong while the platform runs on one machine, as types."""

from __future__ import annotations


class LocalPlatformError(Exception):
    """Root of everything this package raises; the message tells the person what to do."""


class AlreadyRunning(LocalPlatformError):
    """Another platform holds the data directory."""


class NotRunning(LocalPlatformError):
    """No platform runs on the data directory."""


class UnusableDataDirectory(LocalPlatformError):
    """The data directory cannot be used: of another user, of another version, or damaged."""


class PortInUse(LocalPlatformError):
    """Another program listens on a port that is needed."""


class StartFailure(LocalPlatformError):
    """A part of the platform did not come up."""


class InvalidSettings(StartFailure):
    """A part of the platform refused its settings (exit status 78); starting it again cannot help."""


class PrivilegeError(LocalPlatformError):
    """There is no way here to run a program as anyone but the superuser."""


class NotInstalled(LocalPlatformError):
    """A part that the platform does without is not in this environment."""
