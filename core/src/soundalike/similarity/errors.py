"""What can be wrong with vectors, projections and calibrations."""

from soundalike.errors import SoundalikeError


class SimilarityError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class InvalidVectors(SimilarityError, ValueError):
    """The vectors handed over have the wrong shape or hold values that are not finite."""


class InvalidProjection(SimilarityError, ValueError):
    """The arrays of a projection do not fit together, or a file is not a projection."""


class InvalidCalibration(SimilarityError, ValueError):
    """The arrays of a calibration do not fit together, or a file is not a calibration."""
