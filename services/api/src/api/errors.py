"""What can go wrong inside the API, as types."""


class ApiError(Exception):
    """Root of everything this package raises on purpose."""


class VersionRefused(ApiError):
    """The published index version is incomplete, altered or not what its row in the database says."""


class DatabaseAway(ApiError):
    """The database does not answer at the moment; trying again in a few seconds can succeed."""


class NotLoaded(ApiError):
    """There is no space to search yet: the program has just started, or nothing was ever extracted."""
