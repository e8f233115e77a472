"""Which part of a recording is heard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExcerptRule:
    """Of a recording up to `whole_up_to` s the first `seconds`, of a longer one the middle `seconds`.

    `margin` s more are read behind the excerpt, where the file has them, so that the resampler ends in sound and not
    against a wall. Excerpt and margin together are what the folder crawler cuts out, and of such a cut the same rule
    hears the same samples as of the whole file.
    """

    seconds: int = 29
    margin: int = 1
    whole_up_to: int = 35

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.margin < 0 or self.whole_up_to < self.seconds + self.margin:
            raise ValueError("an excerpt has a length, and a recording heard from its start is at least that long")

    def span(self, frames_total: int, rate: int) -> range:
        """Return the frames to read of a recording of `frames_total` frames at `rate` Hz."""
        start = 0 if frames_total <= self.whole_up_to * rate else (frames_total - self.seconds * rate) // 2
        return range(start, min(frames_total, start + (self.seconds + self.margin) * rate))


LISTENED = ExcerptRule()
"""The rule of the whole platform."""
