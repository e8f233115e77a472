"""Integrated loudness.

Source: Recommendation ITU-R BS.1770-5, annex 1; its filters for any sampling rate as in B. De Man: Evaluation of
implementations of the EBU R128 loudness measurement, AES 2018.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.signal import sosfilt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_BLOCK_SECONDS: Final = 0.4
_BLOCKS_A_LENGTH: Final = 4
"""Blocks overlap by three quarters."""

_OFFSET: Final = -0.691
_ABSOLUTE_GATE: Final = -70.0
_RELATIVE_GATE: Final = -10.0

_SHELF: Final = (1681.974450955533, 0.7071752369554196, 3.999843853973347)
"""Frequency in Hz, Q and gain in dB of the shelf that stands for the head."""

_HIGH_PASS: Final = (38.13547087602444, 0.5003270373238773)
"""Frequency in Hz and Q."""


def integrated_loudness(excerpts: Iterable[NDArray[np.float32]], rate: int) -> float | None:
    """Return the loudness in LUFS of one recording's excerpts, mono float32 [n] at `rate` Hz, gated over all of them.

    None where nothing is above the absolute gate, or no excerpt has the 0.4 s of a block.
    """
    parts = [_block_powers(excerpt, rate) for excerpt in excerpts]
    powers = np.concatenate(parts) if parts else np.empty(0)
    for gate in (_ABSOLUTE_GATE, _RELATIVE_GATE):
        powers = powers[powers > _power(gate if gate == _ABSOLUTE_GATE else _loudness(powers) + gate)]
        if not len(powers):
            return None
    return _loudness(powers)


def _loudness(powers: NDArray[np.float64]) -> float:
    return _OFFSET + 10 * math.log10(float(powers.mean()))


def _power(loudness: float) -> float:
    return float(10 ** ((loudness - _OFFSET) / 10))


def _block_powers(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    step = round(_BLOCK_SECONDS * rate / _BLOCKS_A_LENGTH)
    weighted = sosfilt(_filters(rate), samples.astype(np.float64))
    steps = np.square(weighted[: len(weighted) // step * step]).reshape(-1, step).mean(axis=1)
    if len(steps) < _BLOCKS_A_LENGTH:
        return np.empty(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(steps, _BLOCKS_A_LENGTH).mean(axis=1))


def _filters(rate: int) -> NDArray[np.float64]:
    """Return both second-order sections, float64 [2, 6]."""
    frequency, quality, decibels = _SHELF
    k = math.tan(math.pi * frequency / rate)
    high = 10 ** (decibels / 20)
    band = high**0.4996667741545416
    norm = 1 + k / quality + k * k
    shelf = [
        (high + band * k / quality + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / quality + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / quality + k * k) / norm,
    ]
    frequency, quality = _HIGH_PASS
    k = math.tan(math.pi * frequency / rate)
    norm = 1 + k / quality + k * k
    return np.array([shelf, [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm]])
