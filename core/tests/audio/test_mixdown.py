from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.audio.mixdown import mix_down
from soundalike.audio.pcm_file import downmix

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 8_000
SECONDS = 12


def noise(seed: int, level: float = 0.2, seconds: int = SECONDS) -> NDArray[np.float32]:
    return (level * np.random.default_rng(seed).standard_normal(seconds * RATE)).astype(np.float32)


def stack(*channels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack(channels, axis=1)


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def opposed_for(seconds: int) -> NDArray[np.float32]:
    right = MIDDLE.copy()
    right[4 * RATE : (4 + seconds) * RATE] *= -1
    return stack(MIDDLE, right)


MIDDLE, SIDE = noise(1), noise(2, 0.1)
ORDINARY = {
    "mono": stack(MIDDLE),
    "the same in both channels": stack(MIDDLE, MIDDLE),
    "stereo": stack(MIDDLE + SIDE, MIDDLE - SIDE),
    "wide stereo": stack(MIDDLE + 4 * SIDE, MIDDLE - 2.5 * SIDE),
    "uncorrelated channels": stack(noise(1), noise(2)),
    "a silent channel": stack(MIDDLE, np.zeros_like(MIDDLE)),
    "a delayed channel": stack(MIDDLE, np.roll(MIDDLE, 80)),
    "a quieter channel turned over": stack(MIDDLE, -0.2 * MIDDLE),
    "six channels, one of which sounds": stack(MIDDLE, *5 * [np.zeros_like(MIDDLE)]),
    "six channels with nothing in common": stack(*map(noise, range(6))),
    "silence": np.zeros((SECONDS * RATE, 2), np.float32),
    "opposed dither in a pause": stack(noise(1, 2e-5), -noise(1, 2e-5)),
    "an effect of two seconds": opposed_for(2),
    "less than a second": stack(MIDDLE, -MIDDLE)[: RATE // 2],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_channels_are_averaged_to_the_bit(name: str) -> None:
    frames = ORDINARY[name]
    np.testing.assert_array_equal(mix_down(frames, RATE), downmix(frames))


@pytest.mark.parametrize("side", [0.0, 0.1, 0.5])
def test_a_channel_that_is_turned_over_is_turned_back(side: float) -> None:
    left, right = MIDDLE + side * noise(2), MIDDLE - side * noise(2)
    mixed = mix_down(stack(left, -right), RATE)
    np.testing.assert_allclose(mixed, downmix(stack(left, right)), atol=1e-6)


@pytest.mark.parametrize("channel", [0, 1])
def test_so_is_one_in_a_passage_only(channel: int) -> None:
    frames = stack(MIDDLE, MIDDLE + SIDE)
    expected = downmix(frames)
    frames[3 * RATE : 7 * RATE, channel] *= -1
    mixed = mix_down(frames, RATE)
    np.testing.assert_allclose(np.abs(mixed), np.abs(expected), atol=1e-6)
    # The stronger channel keeps its sign.
    assert np.allclose(mixed, expected, atol=1e-6) is (channel == 0)


def test_a_passage_that_begins_within_a_second_is_lost_for_no_longer_than_that() -> None:
    right = MIDDLE.copy()
    right[round(3.3 * RATE) : round(7.7 * RATE)] *= -1
    lost = mix_down(stack(MIDDLE, right), RATE) == 0
    assert lost.sum() < 2 * RATE


@pytest.mark.parametrize(
    "signs", [(1, -1, 1, -1), (1, 1, -1), (1, -1, 0, 0, 0, 0), (-1, 1, 0.5, 0, 1, -1, 1, -1)], ids=str
)
def test_any_number_of_channels(signs: tuple[float, ...]) -> None:
    mixed = mix_down(stack(*(sign * MIDDLE for sign in signs)), RATE)
    expected = MIDDLE * np.float32(np.abs(signs).mean())
    np.testing.assert_allclose(np.abs(mixed), np.abs(expected), atol=1e-5)


def test_where_every_mean_cancels_the_strongest_channel_stands_for_all() -> None:
    t = np.arange(SECONDS * RATE) / RATE
    phases = (0.4 * np.sin(2 * np.pi * (440 * t + turn)) for turn in (0, 1 / 3, 2 / 3))
    mixed = mix_down(stack(*(phase.astype(np.float32) for phase in phases)), RATE)
    assert rms(mixed) > 0.15


def test_numbers_that_are_none_stay_what_they_are() -> None:
    frames = stack(MIDDLE, -MIDDLE)
    frames[100] = np.nan
    assert np.isnan(mix_down(frames, RATE)).any()
    assert np.isfinite(mix_down(np.full((RATE, 2), 3e38, np.float32), RATE)).all()
