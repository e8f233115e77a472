"""Errors of an evaluation."""

from soundalike.errors import SoundalikeError


class EvaluationError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class InvalidCorpus(EvaluationError):
    """The folder of music cannot be evaluated on; the message says what it lacks."""


class TooLittleData(EvaluationError):
    """There are too few tracks, albums or values to measure anything."""


class UnknownSystem(EvaluationError):
    """No system has that name."""


class InvalidBlend(EvaluationError):
    """The description of a blend cannot be read."""


class InvalidModel(EvaluationError):
    """The files of a model cannot be read."""


class CacheUnavailable(EvaluationError):
    """The file that caches the vectors cannot be read or written."""
