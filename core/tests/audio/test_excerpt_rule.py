from __future__ import annotations

import pytest

from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule

RATE = 44_100


@pytest.mark.parametrize(
    ("seconds", "start", "stop"),
    [(3, 0, 3), (29, 0, 29), (30, 0, 30), (35, 0, 30), (36, 3.5, 33.5), (60, 15.5, 45.5), (241, 106, 136)],
)
def test_the_excerpt_is_the_start_of_recordings_up_to_35_s_and_the_middle_of_longer_ones(
    seconds: float, start: float, stop: float
) -> None:
    assert DEFAULT_RULE.span(round(seconds * RATE), RATE) == range(round(start * RATE), round(stop * RATE))


def test_the_excerpt_of_an_excerpt_is_the_same() -> None:
    span = DEFAULT_RULE.span(200 * RATE, RATE)
    assert DEFAULT_RULE.span(len(span), RATE) == range(len(span))


def test_a_rule_that_would_read_beyond_a_whole_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="excerpt"):
        ExcerptRule(seconds=29, margin_seconds=10, whole_up_to_seconds=35)
