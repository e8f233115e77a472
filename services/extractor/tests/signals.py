"""Signals and networks for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundalike.extractor.architecture import CHANNELS, LAYERS, TAGS, kernel_shape
from soundalike.extractor.statistics import Statistics
from soundalike.extractor.weights import Layer, TagHead, Weights

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "choi-cnn"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(),
    reason="clips of music and their vectors (../shared/data/choi-cnn) are not here",
)


def reference_signals() -> dict[str, np.ndarray]:
    """The inputs of `golden/original-program.json`, by their formulas."""
    n = np.arange(348_000)
    t = n / 12_000
    signals = {
        "chirp": 0.5 * np.sin(2 * np.pi * (50 * t + (5500 - 50) / (2 * 29) * t**2)),
        "noise": 0.1 * np.random.RandomState(0).randn(348_000),
        "clicks": np.where(n % 6000 == 0, 0.9, 0.0),
        "am_tone_10s_then_zero_pad": np.where(
            t < 10, 0.3 * np.sin(2 * np.pi * 440 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t)), 0.0
        ),
        "tiny_noise_1e-4": 1e-4 * np.random.RandomState(1).randn(348_000),
        "silence": np.zeros(348_000),
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def golden_signal() -> np.ndarray:
    """29 s of everything that moves a network: beats, a chord that changes every second, a sweep, noise in between."""
    rng = np.random.RandomState(2026)
    t = np.arange(348_000) / 12_000
    roots = 110.0 * 2.0 ** (rng.randint(0, 24, size=29) / 12)
    root = np.repeat(roots, 12_000)
    chord = sum(np.sin(2 * np.pi * root * ratio * t) / ratio for ratio in (1, 1.25, 1.5, 2, 3)) * (0.5 + 0.5 * t / 29)
    beats = rng.randn(348_000) * np.exp(-20 * (t % 0.5)) * (t % 4 < 3)
    sweep = np.sin(2 * np.pi * (50 * t + (5500 - 50) / (2 * 29) * t**2))
    return (0.15 * chord + 0.3 * beats + 0.05 * sweep + 0.005 * rng.randn(348_000)).astype(np.float32)


def random_network(seed: int = 0) -> tuple[Weights, Statistics]:
    """An untrained network, scaled up by some channels and down by others, with statistics that suit it."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    layers = []
    for number in range(LAYERS):
        shape = kernel_shape(number)
        kernel = normal(*shape) * np.float32(np.sqrt(2 / np.prod(shape[:3])))
        layers.append(Layer(kernel, bias=normal(CHANNELS), gamma=normal(CHANNELS), beta=normal(CHANNELS)))
    mean, variance = normal(LAYERS, CHANNELS), rng.uniform(0.5, 2.0, (LAYERS, CHANNELS)).astype(np.float32)
    # The first block is given decibels.
    mean[0] *= 30
    variance[0] *= 400
    head = TagHead(normal(CHANNELS, TAGS), normal(TAGS))
    sha256 = f"{seed:02x}" * 32
    return Weights(tuple(layers), sha256, tags=head, name="random"), Statistics(mean, variance, sha256, 1, "", "")


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of two vectors."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
