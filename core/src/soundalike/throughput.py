"""How fast something is being finished, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIN_SPAN_S: Final = 2.0
"""Of a shorter time nothing can be told."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """So many were `finished` within `seconds`, which reach up to now."""

    finished: int
    seconds: float

    @property
    def per_minute(self) -> float | None:
        """How many a minute; None where too little was seen of it."""
        is_telling = self.seconds >= MIN_SPAN_S and self.finished > 0
        return 60.0 * self.finished / self.seconds if is_telling else None

    def seconds_for(self, count: int) -> float | None:
        """Return how long `count` more will take; None where too little was seen."""
        is_telling = self.seconds >= MIN_SPAN_S and self.finished > 0
        return count * self.seconds / self.finished if is_telling else None
