"""What can go wrong in measuring, as types."""

from soundalike.errors import SoundalikeError


class EvaluationError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class UnusableCorpus(EvaluationError):
    """The folder of music cannot be measured on; says what it lacks."""


class NothingToJudge(EvaluationError):
    """There are too few tracks, albums or values for the number that was asked for."""


class UnknownSystem(EvaluationError):
    """No system has that name."""


class UnusableModel(EvaluationError):
    """The files of a model cannot be read."""


class CacheUnusable(EvaluationError):
    """The file that keeps the vectors cannot be read or written."""
