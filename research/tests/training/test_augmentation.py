from itertools import pairwise

import numpy as np
import pytest

from soundalike.extractor.architecture import FRAMES, MEL_BANDS
from soundalike.research.training.augmentation import MILD, UNCHANGED, Augmentation, crop


@pytest.fixture
def levels() -> np.ndarray:
    return np.random.default_rng(0).uniform(-60.0, 20.0, size=(MEL_BANDS, 2 * FRAMES)).astype(np.float16)


def test_an_unchanged_crop_is_the_stretch_below_its_own_maximum(levels: np.ndarray) -> None:
    made = crop(levels, 100, UNCHANGED, np.random.default_rng(1))
    expected = levels[:, 100 : 100 + FRAMES].astype(np.float32)
    np.testing.assert_allclose(made, np.maximum(expected - expected.max(), -80.0), atol=1e-4)


def test_a_crop_that_would_end_behind_the_music_begins_earlier(levels: np.ndarray) -> None:
    made = crop(levels, 2 * FRAMES, UNCHANGED, np.random.default_rng(1))
    np.testing.assert_array_equal(made, crop(levels, FRAMES, UNCHANGED, np.random.default_rng(1)))


def test_changed_crops_stay_in_the_range_of_the_network_and_differ(levels: np.ndarray) -> None:
    random = np.random.default_rng(3)
    made = np.stack([crop(levels, 50, MILD, random) for _ in range(8)])
    assert made.shape == (8, MEL_BANDS, FRAMES)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made.max(axis=(1, 2)), 0.0, atol=1e-4)
    assert made.min() >= -80.0
    assert all(np.abs(one - other).mean() > 0.1 for one, other in pairwise(made))


def test_a_change_of_pitch_moves_a_tone_to_other_bands() -> None:
    levels = np.full((MEL_BANDS, FRAMES), -70.0, dtype=np.float32)
    levels[40] = 0.0
    random = np.random.default_rng(4)
    loudest = {int(crop(levels, 0, Augmentation(semitones=6.0), random)[:, 0].argmax()) for _ in range(20)}
    assert min(loudest) < 38
    assert max(loudest) > 42
