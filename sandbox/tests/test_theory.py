from itertools import pairwise

import numpy as np
import pytest

from soundalike.sandbox.theory import SCALES, Key, Meter, close_voicing, hertz, walk


def test_concert_pitch_and_octaves() -> None:
    assert hertz(69) == pytest.approx(440)
    assert hertz(57) == pytest.approx(220)


def test_degrees_run_on_through_the_octaves() -> None:
    key = Key(60, SCALES["major"])
    assert [key.pitch(degree) for degree in (-1, 0, 2, 7, 9)] == [59, 60, 64, 72, 76]
    assert key.chord(1) == [62, 65, 69]
    assert close_voicing(key.chord(4), 60) == [62, 67, 71]


def test_walk_stays_in_its_range_and_moves() -> None:
    melody = walk(np.random.default_rng(1), 500, -3, 5, leap=0.9)
    assert (min(melody), max(melody)) == (-3, 5)
    assert max(abs(other - one) for one, other in pairwise(melody)) == 3


def test_meter_places_beats() -> None:
    meter = Meter(120, beats=3)
    assert meter.at(2, 1.5) == pytest.approx(3.75)
    assert meter.bars(4.6) == 4
