"""What can come in the way of taste, as types; what can be wrong with its files, `storage.artifacts.errors` tells."""


class TasteError(Exception):
    """Root of everything this package raises on purpose."""


class TooFewFavourites(TasteError, ValueError):
    """No two tracks have enough favourites to be compared."""
