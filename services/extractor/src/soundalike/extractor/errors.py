"""What can go wrong between a preview and its vector, beside the audio itself (`audio.errors`)."""

from __future__ import annotations

from soundalike.audio.errors import PermanentAudioError
from soundalike.errors import SoundalikeError


class ExtractorError(SoundalikeError):
    """Root of everything this package raises on purpose."""


class WeightsUnavailable(ExtractorError):
    """The network's weights are not on this machine and cannot be downloaded; the message says how to provide them."""


class WeightsDamaged(ExtractorError):
    """A weights file is not the one it should be."""


class StatisticsUnusable(ExtractorError):
    """A file of statistics cannot be read, or was measured for other weights."""


class VectorNotFinite(ExtractorError, PermanentAudioError):
    """The network's output for a recording is not a vector of finite numbers."""


class TensorFlowMissing(ExtractorError):
    """TensorFlow, needed to build and measure the network but not to run it, is not installed."""
