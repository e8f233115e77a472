from __future__ import annotations

import pytest

from soundalike.audio.excerpt_bounds import LISTENED, ExcerptRule

RATE = 44_100


@pytest.mark.parametrize(
    ("seconds", "start", "stop"),
    [(3, 0, 3), (29, 0, 29), (30, 0, 30), (35, 0, 30), (36, 3.5, 33.5), (60, 15.5, 45.5), (241, 106, 136)],
)
def test_recordings_up_to_35_s_are_heard_from_their_start_longer_ones_in_their_middle(
    seconds: float, start: float, stop: float
) -> None:
    assert LISTENED.span(round(seconds * RATE), RATE) == range(round(start * RATE), round(stop * RATE))


def test_the_excerpt_of_an_excerpt_is_the_same() -> None:
    span = LISTENED.span(200 * RATE, RATE)
    assert LISTENED.span(len(span), RATE) == range(len(span))


def test_a_rule_that_would_read_beyond_a_whole_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="excerpt"):
        ExcerptRule(seconds=29, margin=10, whole_up_to=35)
