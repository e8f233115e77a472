"""What a decoder hands over: mono samples at the one rate everything downstream listens at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE: Final = 12_000
"""Samples a second that the network hears."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The heard part of a recording: `samples` float32 [n] mono at `rate` Hz, of `seconds_total` s in the file."""

    samples: NDArray[np.float32]
    rate: int
    seconds_total: float

    @property
    def seconds_heard(self) -> float:
        """Length of `samples` in seconds."""
        return len(self.samples) / self.rate
