"""The result of decoding: mono samples at the one rate that everything downstream works at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE: Final = 12_000
"""Samples per second of the network's input."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioExcerpts:
    """What is analysed of a recording: `samples` float32 [n], mono, at `rate` Hz, one excerpt after the other.

    `lengths` are the samples of each excerpt; the file has `seconds_total` s.
    """

    samples: NDArray[np.float32]
    lengths: tuple[int, ...]
    rate: int
    seconds_total: float

    @property
    def seconds(self) -> float:
        """Length of all excerpts in seconds."""
        return len(self.samples) / self.rate

    def separate(self) -> list[NDArray[np.float32]]:
        """Return the excerpts one by one, float32 [n] each."""
        return np.split(self.samples, np.cumsum(self.lengths[:-1], dtype=np.intp))
