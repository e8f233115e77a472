"""Signals and music for the tests of listening."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "choi-cnn"
WEIGHTS = SHARED / "weights_layer4_theano.hdf5"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the published weights are not beside the checkout")


def reference_signals() -> dict[str, np.ndarray]:
    """The synthetic inputs of reference.json, by its formulas."""
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


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of two vectors."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
