"""The result of decoding: mono samples at the one rate that everything downstream works at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE: Final = 12_000
"""Samples per second of the network's input."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioExcerpt:
    """The analysed part of a recording: `samples` float32 [n], mono, at `rate` Hz; the file has `seconds_total` s."""

    samples: NDArray[np.float32]
    rate: int
    seconds_total: float

    @property
    def seconds(self) -> float:
        """Length of `samples` in seconds."""
        return len(self.samples) / self.rate
