"""The fixed statistics of a corpus, measured layer by layer."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import numpy as np

from soundalike.extractor.architecture import CHANNELS, FRAMES, LAYERS, MEL_BANDS
from soundalike.extractor.spectrogram import decibels, fit_length
from soundalike.extractor.statistics import Statistics
from soundalike.extractor.tensorflow_backend import tensorflow
from soundalike.extractor.tensorflow_network import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from soundalike.extractor.weights import Weights


def measure(
    clips: Iterable[NDArray[np.float32]],
    weights: Weights,
    *,
    corpus: str,
    command: str,
    advance: Callable[[str], None] = lambda _stage: None,
) -> Statistics:
    """Measure mean and variance before each normalisation over `clips` (float32 [n] at 12 kHz each).

    The statistics of a layer depend on those of the layers before it, so there is one pass a layer, over spectrograms
    that wait in a temporary file. `advance` is called with the stage after every clip. Raises `ValueError` for no
    clips, `TensorFlowMissing`.
    """
    # Fail now rather than after an hour of spectrograms.
    tensorflow()
    with tempfile.TemporaryFile() as file:
        count = 0
        for clip in clips:
            file.write(decibels(fit_length(clip, repeat=True)).astype("<f4").tobytes())
            count += 1
            advance("spectrograms")
        if count == 0:
            raise ValueError("no clip could be decoded")
        file.flush()
        spectrograms = np.memmap(file, dtype="<f4", mode="r", shape=(count, MEL_BANDS, FRAMES))
        mean, variance = np.empty((0, CHANNELS), np.float32), np.empty((0, CHANNELS), np.float32)
        for number in range(LAYERS):
            layer_mean, layer_variance = _layer(spectrograms, Probe(weights, mean, variance), number, advance)
            mean, variance = np.vstack([mean, layer_mean]), np.vstack([variance, layer_variance])
    return Statistics(mean, variance, weights.sha256, clips=count, corpus=corpus, command=command)


def _layer(
    spectrograms: Iterable[NDArray[np.float32]],
    probe: Probe,
    number: int,
    advance: Callable[[str], None],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Combine the clips' moments: they have equally many positions, so the variance is within plus between."""
    means, variances = [], []
    for spectrogram in spectrograms:
        mean, variance = probe(np.asarray(spectrogram)[np.newaxis])
        means.append(mean[0])
        variances.append(variance[0])
        advance(f"layer {number + 1} of {LAYERS}")
    within, between = np.mean(variances, axis=0), np.var(means, axis=0)
    return np.mean(means, axis=0).astype(np.float32), (within + between).astype(np.float32)
