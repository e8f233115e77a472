from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.extractor.architecture import CHANNELS, LAYERS, kernel_shape
from soundalike.extractor.statistics import Statistics
from soundalike.extractor.weights import Layer, TagHead, Weights

if TYPE_CHECKING:
    from collections.abc import Callable


def _network(seed: int) -> tuple[Weights, Statistics]:
    """A random network whose scales are of both signs, with statistics of a plausible size."""
    random = np.random.default_rng(seed)
    layers = []
    for number in range(LAYERS):
        shape = kernel_shape(number)
        small = random.normal(size=(3, CHANNELS)).astype(np.float32)
        kernel = random.normal(size=shape).astype(np.float32) / np.float32(np.sqrt(np.prod(shape[:3])))
        layers.append(Layer(kernel, bias=small[0], gamma=small[1], beta=0.3 * small[2]))
    mean = random.normal(size=(LAYERS, CHANNELS)).astype(np.float32)
    variance = random.uniform(0.5, 2.0, size=(LAYERS, CHANNELS)).astype(np.float32)
    # The first block is given decibels.
    mean[0] *= 30.0
    variance[0] *= 400.0
    head = TagHead(random.normal(size=(CHANNELS, 50)).astype(np.float32), random.normal(size=50).astype(np.float32))
    return Weights(tuple(layers), "0" * 64, tags=head), Statistics(mean, variance, "0" * 64, 1, "", "")


@pytest.fixture(scope="session")
def make_network() -> Callable[[int], tuple[Weights, Statistics]]:
    return _network


@pytest.fixture
def samples() -> np.ndarray:
    """Three clips float32 [3, 348000]: noise, a chord, and clicks."""
    random = np.random.default_rng(5)
    seconds = np.arange(348_000) / 12_000
    chord = sum(np.sin(2 * np.pi * pitch * seconds) for pitch in (220.0, 277.2, 329.6)) / 3
    clicks = np.where(np.arange(348_000) % 6000 < 20, 0.8, 0.0)
    quiet = 0.01 * random.normal(size=348_000)
    return np.stack([0.2 * random.normal(size=348_000), chord + quiet, clicks + quiet]).astype(np.float32)
