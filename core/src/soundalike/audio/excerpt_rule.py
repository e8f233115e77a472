"""Which part of a recording is analysed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExcerptRule:
    """Of a recording up to `whole_up_to_seconds` s the first `seconds`, of a longer one the middle `seconds`.

    Another `margin_seconds` behind the excerpt are read where the file has them, so that the resampler does not end at
    an edge. A clip (`audio.clip`) holds excerpt and margin, and the same rule selects the same samples of it as of the
    whole file.
    """

    seconds: int = 29
    margin_seconds: int = 1
    whole_up_to_seconds: int = 35

    def __post_init__(self) -> None:
        if (
            self.seconds <= 0
            or self.margin_seconds < 0
            or self.whole_up_to_seconds < self.seconds + self.margin_seconds
        ):
            raise ValueError(
                "an excerpt needs a positive length, and whole_up_to_seconds has to be at least excerpt and margin"
            )

    def span(self, frames_total: int, rate: int) -> range:
        """Return the frames to read of a recording of `frames_total` frames at `rate` Hz."""
        start = 0 if frames_total <= self.whole_up_to_seconds * rate else (frames_total - self.seconds * rate) // 2
        return range(start, min(frames_total, start + (self.seconds + self.margin_seconds) * rate))


DEFAULT_RULE = ExcerptRule()
"""The rule of the whole platform."""
