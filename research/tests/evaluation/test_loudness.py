from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.loudness import integrated_loudness


def tone(decibels: float, *, rate: int, seconds: float = 5.0, pitch: float = 997.0) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


@pytest.mark.parametrize("rate", [12_000, 44_100, 48_000])
def test_a_tone_of_997_hz_is_as_loud_as_the_recommendation_says(rate: int) -> None:
    # Full scale in one channel: -3.01 LKFS.
    assert integrated_loudness([tone(0, rate=rate)], rate) == pytest.approx(-3.01, abs=0.1)
    assert integrated_loudness([tone(-20, rate=rate)], rate) == pytest.approx(-23.01, abs=0.1)


def test_pauses_do_not_count_and_neither_does_the_division_into_excerpts() -> None:
    loud, pause = tone(-20, rate=12_000), np.zeros(120_000, dtype=np.float32)
    assert integrated_loudness([loud, pause], 12_000) == pytest.approx(-23.01, abs=0.1)
    assert integrated_loudness([loud, tone(-45, rate=12_000)], 12_000) == pytest.approx(-23.01, abs=0.1)


def test_low_frequencies_count_less() -> None:
    low, high = (integrated_loudness([tone(-20, rate=12_000, pitch=pitch)], 12_000) for pitch in (30, 3000))
    assert low is not None
    assert high is not None
    assert high - low > 10


@pytest.mark.parametrize("excerpts", [[], [np.zeros(24_000, dtype=np.float32)], [np.ones(100, dtype=np.float32)]])
def test_what_has_no_loudness_gets_none(excerpts: list[np.ndarray]) -> None:
    assert integrated_loudness(excerpts, 12_000) is None
