"""Plots of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soundalike.research.training.album_precision import PrecisionEstimate
    from soundalike.research.training.trial import Validation


def draw_losses(path: Path, losses: Mapping[str, Sequence[float]]) -> None:
    """Draw the loss over steps, smoothed over 20, one line a network, as PNG."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, values in losses.items():
        width = min(20, len(values))
        axes.plot(np.convolve(values, np.ones(width) / width, mode="valid"), label=name, linewidth=1)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="soundalike-1: training loss")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def draw_validation(path: Path, validations: Sequence[Validation]) -> None:
    """Draw every recipe's gain in validation, one point a network and part, as PNG."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    names = list(dict.fromkeys(one.recipe for one in validations))
    for row, name in enumerate(names):
        gains = [one.precision - one.baseline for one in validations if one.recipe == name]
        axes.plot(gains, [row] * len(gains), "o", alpha=0.4)
        axes.plot(np.mean(gains), row, "k|", markersize=24)
    axes.axvline(0.0, color="grey", linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="album MAP on validation albums, minus that of Choi's weights")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def draw_gains(path: Path, gains: Mapping[str, PrecisionEstimate], baseline: str) -> None:
    """Draw each system's paired difference from `baseline` with its interval, as PNG."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(gains) + 1.5), layout="constrained")
    for row, gain in enumerate(gains.values()):
        axes.plot([gain.low, gain.high], [row, row], "k-", linewidth=1)
        axes.plot(gain.value, row, "ko")
    axes.axvline(0.0, color="grey", linewidth=1)
    axes.set_yticks(range(len(gains)), list(gains))
    axes.set(xlabel=f"album MAP on held-out albums,\nminus that of {baseline}; 95 % intervals")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt
