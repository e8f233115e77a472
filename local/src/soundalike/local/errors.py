"""What can go wrong while the platform runs on one machine, as types."""

from __future__ import annotations


class StandaloneError(Exception):
    """Root of everything this package raises; the message tells the person what to do."""


class AlreadyRunning(StandaloneError):
    """Another platform holds the data directory."""


class NotRunning(StandaloneError):
    """No platform runs on the data directory."""


class DataDirectoryRefused(StandaloneError):
    """The data directory cannot be used: of another user, of another version, or damaged."""


class PortTaken(StandaloneError):
    """Another program listens on a port that is needed."""


class StartFailed(StandaloneError):
    """A part of the platform did not come up."""


class SettingRefused(StartFailed):
    """A part of the platform refused its settings (exit status 78); starting it again cannot help."""


class PrivilegesKept(StandaloneError):
    """There is no way here to run a program as anyone but the superuser."""


class NotInstalled(StandaloneError):
    """A part that the platform does without is not in this environment."""
