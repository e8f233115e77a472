"""A model: weights, statistics and preprocessing under one id, of which vectors are comparable."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from extractor import published, statistics, weights
from extractor.architecture import DIMENSIONS
from extractor.errors import VectorNotFinite, WeightsUnavailable
from extractor.network import Network
from extractor.spectrogram import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from extractor.statistics import Statistics
    from extractor.weights import Weights

log = logging.getLogger(__name__)

StatisticsMode = Literal["fixed", "clip"]

PREPROCESSING: Final = "p1"
"""Counted up by every change of excerpt, mixing, resampling or spectrogram that moves the vectors."""


class Model:
    """Turns samples into vectors of one model id; may be used from several threads."""

    dimensions: Final = DIMENSIONS

    def __init__(self, given: Weights, fixed: Statistics | None) -> None:
        self.weights = given
        self.statistics = fixed
        self.id = model_id(given, fixed)
        self._network = Network(given, fixed)

    @property
    def trained(self) -> bool:
        """Whether the weights have ever been trained on music."""
        return self.weights.trained

    def embed(self, clips: NDArray[np.float32] | Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [n, 160] for n clips at 12 kHz, each of any length (see `spectrogram.prepare`).

        Raises `VectorNotFinite`.
        """
        # One clip at a time is fastest on a CPU: the first block's values stay in the cache.
        repeat = self.statistics is not None
        vectors = [self._network(prepare(clip, repeat=repeat)[np.newaxis])[0] for clip in clips]
        stacked = np.stack(vectors) if vectors else np.empty((0, DIMENSIONS), np.float32)
        if not np.isfinite(stacked).all():
            raise VectorNotFinite("the network's answer to it is not a vector of finite numbers")
        return stacked


def model_id(given: Weights, fixed: Statistics | None) -> str:
    """Name a model so that the name can be part of an S3 key, and so that two that differ never share it."""
    parts = ["choi-2017"] if given.trained else ["untrained", "choi-2017"]
    parts += ["clip", given.sha256[:8]] if fixed is None else ["fixed", given.sha256[:8], fixed.sha256[:8]]
    return "-".join([*parts, PREPROCESSING])


def load_model(
    *,
    mode: StatisticsMode = "fixed",
    choi_weights: Path | None = None,
    model_cache: Path | None = None,
    allow_untrained: bool = False,
) -> Model:
    """Load the published network; only with `allow_untrained`, and loudly, the untrained one where it is not to be had.

    Raises `WeightsUnavailable`, `WeightsDamaged`, `StatisticsUnusable`.
    """
    try:
        given = weights.parse(published.published_weights(choi_weights, model_cache))
    except WeightsUnavailable as error:
        # A file that was named on purpose is never replaced by chance.
        if not allow_untrained or choi_weights is not None:
            raise
        log.warning("%s", error)
        given = weights.untrained()
    model = Model(given, statistics.shipped(given) if mode == "fixed" else None)
    if not model.trained:
        log.warning(
            "LISTENING WITH AN UNTRAINED NETWORK (%s): good for trying the platform out, not for judging music. Its "
            "vectors are kept apart from those of the trained one.",
            model.id,
        )
    return model
