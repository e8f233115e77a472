"""Errors of the sandbox."""


class SandboxError(Exception):
    """Root of the sandbox's errors."""


class UnknownPiece(SandboxError, LookupError):
    """The text names no piece of the catalogue."""


class ServerNotStarted(SandboxError, RuntimeError):
    """The local server did not start, or has no address because it does not run."""
