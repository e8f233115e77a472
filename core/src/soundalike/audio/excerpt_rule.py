"""Which parts of a recording are analysed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExcerptRule:
    """Of a recording up to `whole_up_to_seconds` s the first `seconds`, of one up to `single_up_to_seconds` s the
    middle `seconds`, of a longer one as many around each of `tenths` of its length, as far as its ends allow.

    Another `margin_seconds` behind an excerpt are read where the file has them, so that the resampler does not end at
    an edge.
    """  # noqa: D205 - one sentence

    seconds: int = 29
    margin_seconds: int = 1
    whole_up_to_seconds: int = 35
    single_up_to_seconds: int = 60
    tenths: tuple[int, ...] = (2, 5, 8)

    def __post_init__(self) -> None:
        if (
            self.seconds <= 0
            or self.margin_seconds < 0
            or self.whole_up_to_seconds < self.seconds + self.margin_seconds
        ):
            raise ValueError(
                "an excerpt needs a positive length, and whole_up_to_seconds has to be at least excerpt and margin"
            )

    def spans(self, frames_total: int, rate: int) -> tuple[range, ...]:
        """Return the frames to read of a recording of `frames_total` frames at `rate` Hz, a range for each excerpt."""
        if frames_total <= self.whole_up_to_seconds * rate:
            return (self.span_from(0, frames_total, rate),)
        tenths = (5,) if frames_total <= self.single_up_to_seconds * rate else self.tenths
        length = self.seconds * rate
        starts = ((tenth * frames_total - 5 * length) // 10 for tenth in tenths)
        return tuple(self.span_from(max(0, min(start, frames_total - length)), frames_total, rate) for start in starts)

    def span_from(self, start: int, frames_total: int, rate: int) -> range:
        """Return the frames of an excerpt that begins with the frame `start`, its margin included."""
        return range(start, min(frames_total, start + (self.seconds + self.margin_seconds) * rate))


DEFAULT_RULE = ExcerptRule()
"""The rule of the whole platform."""
