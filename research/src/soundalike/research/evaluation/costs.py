"""What hearing a clip costs a system, as a multiple of decoding it."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

import soundfile

from soundalike.audio.decode import read_excerpts
from soundalike.audio.excerpt_rule import ExcerptRule
from soundalike.audio.mixdown import mix_down
from soundalike.research.evaluation.distortions import encode_mp3, plain_excerpts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from soundalike.research.evaluation.extractors import Extractor

REPETITIONS: Final = 5
_MP3_BITS: Final = 128_000
_MIDDLE: Final = ExcerptRule(tenths=(5,))


@dataclass(frozen=True, slots=True)
class ClipCosts:
    """Seconds of processor time for one clip of 30 s.

    `decoding` is MP3 to floats by libsndfile and nothing else, `samples` all up to mono samples by their rate,
    `vectors` from these samples on by the extractor's id.
    """

    decoding: float
    samples: Mapping[int, float]
    vectors: Mapping[str, float]

    def multiple(self, extractors: Sequence[Extractor]) -> float:
        """Return what a system costs from file to vector, in multiples of decoding; a file is decoded once."""
        resampled = sum(self.samples[rate] - self.decoding for rate in {one.rate for one in extractors})
        vectors = sum(self.vectors[name] for name in {one.id for one in extractors})
        return (self.decoding + resampled + vectors) / self.decoding


def mp3_clip(path: Path) -> bytes:
    """Return the middle 30 s of a recording as MP3 of 128 kbit/s at 44.1 kHz, stereo where it has two channels."""
    pcm = read_excerpts(path, _MIDDLE)
    frames = pcm.excerpts[0]
    if frames.shape[1] > 2:
        frames = mix_down(frames, pcm.rate)[:, None]
    return encode_mp3(frames, pcm.rate, _MP3_BITS)


def measure_costs(
    clip: bytes, extractors: Sequence[Extractor], clock: Callable[[], float] = time.process_time
) -> ClipCosts:
    """Measure every extractor on one clip: medians of five, after one that is not counted.

    The processor time of all threads of this process counts, as if one core did everything.
    """

    def seconds(work: Callable[[], object]) -> float:
        work()
        times = []
        for _ in range(REPETITIONS):
            start = clock()
            work()
            times.append(clock() - start)
        return median(times)

    excerpts = {rate: plain_excerpts(clip, _MIDDLE, rate) for rate in {one.rate for one in extractors}}
    return ClipCosts(
        decoding=seconds(lambda: soundfile.read(io.BytesIO(clip), dtype="float32")),
        samples={rate: seconds(lambda rate=rate: plain_excerpts(clip, _MIDDLE, rate)) for rate in excerpts},  # type: ignore[misc]
        vectors={one.id: seconds(lambda one=one: one(excerpts[one.rate])) for one in extractors},  # type: ignore[misc]
    )
