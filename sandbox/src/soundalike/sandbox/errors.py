"""What can go wrong in the sandbox."""


class SandboxError(Exception):
    """Root of all errors that the sandbox raises on purpose."""


class UnknownPiece(SandboxError, LookupError):
    """The text names no piece of the catalogue."""


class ServerNotStarted(SandboxError, RuntimeError):
    """The local server did not come up, or was asked for its address before it ran."""
