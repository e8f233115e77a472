"""What can go wrong in training, as types."""

from soundalike.errors import SoundalikeError


class TrainingError(SoundalikeError):
    """Root of everything this package raises on purpose; the message is meant to be read by a person."""


class UnusableCorpus(TrainingError):
    """The folder of music cannot be trained on."""


class UnusableTeacher(TrainingError):
    """The teacher's files are missing or are not what they should be."""
