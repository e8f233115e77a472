"""Errors of the training."""

from soundalike.errors import SoundalikeError


class TrainingError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class InvalidTrainingCorpus(TrainingError):
    """The folder of music cannot be trained on."""


class TeacherUnavailable(TrainingError):
    """The teacher's files are missing or invalid."""
