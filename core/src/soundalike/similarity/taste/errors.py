"""What can prevent a taste version; errors of its files are in `storage.artifacts.errors`."""

from soundalike.errors import SoundalikeError


class TasteError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class TooFewFavorites(TasteError, ValueError):
    """No two tracks have enough favourites to be compared."""
