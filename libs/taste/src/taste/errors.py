"""What can be wrong with taste, as types."""


class TasteError(Exception):
    """Root of everything this package raises on purpose."""


class TooFewFavourites(TasteError, ValueError):
    """No two tracks have enough favourites to be compared."""


class InvalidTaste(TasteError, ValueError):
    """A manifest does not say what this program needs to read the files safely."""


class CorruptTaste(TasteError):
    """A file is missing, cut short or altered, or does not fit the others."""
