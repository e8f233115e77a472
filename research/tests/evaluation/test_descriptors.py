from __future__ import annotations

import numpy as np
import pytest

from soundalike.audio.excerpt_rule import ExcerptRule
from soundalike.research.evaluation.descriptors import BLOCKS, PLATFORM, WIDE, Descriptors, Scale

WIDTHS = np.cumsum([width for width, _ in BLOCKS.values()])


def parts(vector: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(BLOCKS, np.split(vector, WIDTHS[:-1]), strict=True))


def clicks(rate: int, a_minute: float) -> np.ndarray:
    samples = 0.001 * np.random.default_rng(0).standard_normal(10 * rate)
    samples[:: round(60 * rate / a_minute)] += 0.9
    return samples.astype(np.float32)


@pytest.mark.parametrize("scale", [PLATFORM, WIDE])
@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "clicks"])
def test_every_signal_has_finite_descriptors_of_all_blocks(scale: Scale, kind: str) -> None:
    time = np.arange(8 * scale.rate) / scale.rate
    samples = {
        "silence": np.zeros(len(time)),
        "noise": np.random.default_rng(0).standard_normal(len(time)),
        "tone": np.sin(2 * np.pi * 440 * time),
        "clicks": clicks(scale.rate, 120),
    }[kind].astype(np.float32)
    vector = Descriptors(scale)([samples])
    assert vector.shape == (WIDTHS[-1],)
    assert np.isfinite(vector).all()


def test_the_blocks_tell_what_they_are_called() -> None:
    time = np.arange(120_000) / 12_000
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (262, 330, 392))
    higher = sum(np.sin(2 * np.pi * pitch * 2 ** (5 / 12) * time) for pitch in (262, 330, 392))
    one, two, noise, slow, fast = (
        parts(Descriptors()([np.asarray(samples, dtype=np.float32)]))
        for samples in (
            chord,
            higher,
            np.random.default_rng(0).standard_normal(120_000),
            clicks(12_000, 90),
            clicks(12_000, 140),
        )
    )
    # Another key is nearly the same chroma; noise is flat, tones are not.
    assert np.abs(one["chroma"] - two["chroma"]).max() < 0.3 < np.abs(one["chroma"] - noise["chroma"]).max()
    assert noise["shape"][0] > 0.3 > one["shape"][0]
    assert np.corrcoef(slow["rhythm"][:-2], fast["rhythm"][:-2])[0, 1] < 0.5


def test_a_recording_has_the_mean_of_its_excerpts() -> None:
    one, two = clicks(12_000, 90), clicks(12_000, 140)
    rule = ExcerptRule(tenths=(5,))
    both = Descriptors().by(rule)
    assert both([one, two]) == pytest.approx((both([one]) + both([two])) / 2, rel=1e-5, abs=1e-6)
    assert both.id != Descriptors().id != Descriptors(WIDE).id
