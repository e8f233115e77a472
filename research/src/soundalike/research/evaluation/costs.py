"""What hearing a clip costs a system, as a multiple of decoding it."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from functools import partial
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
    """Processor time for one clip of 30 s, in multiples of MP3 to floats by libsndfile and nothing else.

    `samples` is all from the file to mono samples by their rate, `vectors` from these on by the extractor's id.
    """

    samples: Mapping[int, float]
    vectors: Mapping[str, float]

    def multiple(self, extractors: Sequence[Extractor]) -> float:
        """Return what a system costs from file to vector; a file is decoded once."""
        resampled = sum(self.samples[rate] - 1 for rate in {one.rate for one in extractors})
        return 1 + resampled + sum(self.vectors[name] for name in {one.id for one in extractors})


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
    """Measure every extractor on one clip: medians of five rounds, after one that is not counted.

    A round decodes and does everything else once, so that what the machine does meanwhile counts for both. The
    processor time of all threads of this process counts, as if one core did everything.
    """

    def seconds(work: Callable[[], object]) -> float:
        start = clock()
        work()
        return clock() - start

    excerpts = {rate: plain_excerpts(clip, _MIDDLE, rate) for rate in {one.rate for one in extractors}}
    samples: dict[int, list[float]] = {rate: [] for rate in excerpts}
    vectors: dict[str, list[float]] = {one.id: [] for one in extractors}
    for _ in range(REPETITIONS + 1):
        decoding = seconds(lambda: soundfile.read(io.BytesIO(clip), dtype="float32"))
        for rate in excerpts:
            samples[rate].append(seconds(partial(plain_excerpts, clip, _MIDDLE, rate)) / decoding)
        for one in extractors:
            vectors[one.id].append(seconds(partial(one, excerpts[one.rate])) / decoding)
    return ClipCosts(
        {rate: median(multiples[1:]) for rate, multiples in samples.items()},
        {name: median(multiples[1:]) for name, multiples in vectors.items()},
    )
