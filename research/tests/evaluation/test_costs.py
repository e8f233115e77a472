from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from soundalike.audio.excerpt import RATE
from soundalike.audio.excerpt_rule import DEFAULT_RULE
from soundalike.research.evaluation.costs import ClipCosts, measure_costs, mp3_clip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Clock:
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


class Work:
    """An extractor that takes its time."""

    rule = DEFAULT_RULE

    def __init__(self, clock: Clock, name: str, seconds: float, rate: int = RATE) -> None:
        self.clock, self.id, self.seconds, self.rate = clock, name, seconds, rate
        self.lengths: set[int] = set()

    def by(self, _rule: object) -> Work:
        return self

    def __call__(self, excerpts: Sequence[np.ndarray]) -> np.ndarray:
        self.lengths |= {len(samples) for samples in excerpts}
        self.clock.seconds += self.seconds
        return np.zeros(1, dtype=np.float32)


def test_a_clip_is_the_middle_of_a_recording_and_every_extractor_gets_it_at_its_rate(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((70 * 16_000, 2))
    soundfile.write(tmp_path / "long.wav", noise, 16_000)
    clip = mp3_clip(tmp_path / "long.wav")
    assert len(clip) * 8 / 128_000 == pytest.approx(30, rel=0.02)
    clock = Clock()
    light, heavy = Work(clock, "light", 3), Work(clock, "heavy", 9, rate=16_000)
    costs = measure_costs(clip, [light, heavy], clock)
    assert (light.lengths, heavy.lengths) == ({29 * 12_000}, {29 * 16_000})
    assert costs == ClipCosts({12_000: 1.0, 16_000: 1.0}, {"light": 4.0, "heavy": 10.0})


def test_a_blend_decodes_once_and_shares_what_has_one_rate() -> None:
    clock = Clock()
    one, two, three = Work(clock, "one", 0), Work(clock, "two", 0), Work(clock, "three", 0, rate=16_000)
    costs = ClipCosts({12_000: 1.5, 16_000: 2.0}, {"one": 0.5, "two": 1.0, "three": 3.0})
    assert costs.multiple([one]) == 1.5 + 0.5
    assert costs.multiple([one, two, one]) == 1.5 + 0.5 + 1
    assert costs.multiple([one, three]) == 1 + 0.5 + 1 + 0.5 + 3
