"""What can be wrong with an embedding space, as types; its files have errors of their own (`storage.artifacts`)."""


class SpaceError(Exception):
    """Root of everything this package raises on purpose."""


class EmptySpace(SpaceError, ValueError):
    """There is no vector to build an index of."""


class InvalidBuild(SpaceError, ValueError):
    """The vectors, names and parameters handed to a build do not fit together."""


class InvalidQuery(SpaceError, ValueError):
    """A query vector has another length than the space, or holds values that are not finite."""


class VersionClosed(SpaceError):
    """The version was closed; ask the newer one."""


class EngineMissing(SpaceError):
    """The engine of an index is not installed here."""
