from __future__ import annotations

import pytest

from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule

RATE = 44_100


@pytest.mark.parametrize(
    ("seconds", "start", "stop"),
    [(3, 0, 3), (29, 0, 29), (30, 0, 30), (35, 0, 30), (36, 3.5, 33.5), (60, 15.5, 45.5)],
)
def test_one_excerpt_is_the_start_of_recordings_up_to_35_s_and_the_middle_of_those_up_to_60_s(
    seconds: float, start: float, stop: float
) -> None:
    span = range(round(start * RATE), round(stop * RATE))
    assert DEFAULT_RULE.spans(round(seconds * RATE), RATE) == (span,)


@pytest.mark.parametrize(
    ("seconds", "starts"), [(61, (0, 16, 32)), (100, (5.5, 35.5, 65.5)), (240, (33.5, 105.5, 177.5))]
)
@pytest.mark.parametrize("rate", [RATE, 11_025])
def test_three_excerpts_lie_around_two_five_and_eight_tenths_of_longer_ones(
    seconds: float, starts: tuple[float, ...], rate: int
) -> None:
    total = seconds * rate
    spans = DEFAULT_RULE.spans(total, rate)
    assert [span.start / rate for span in spans] == pytest.approx(starts, abs=1 / rate)
    assert [len(span) for span in spans] == [min(30 * rate, total - span.start) for span in spans]
    # The middle one is that of a rule with one excerpt, to the frame.
    assert ExcerptRule(tenths=(5,)).spans(total, rate) == (spans[1],)


def test_every_excerpt_is_whole_however_long_the_recording() -> None:
    for total in range(60 * 100 + 1, 160 * 100, 7):
        for span in DEFAULT_RULE.spans(total, 100):
            assert span.start >= 0
            assert 29 * 100 <= len(span) <= 30 * 100
            assert span.stop <= total


def test_a_rule_that_would_read_beyond_a_whole_recording_is_refused() -> None:
    with pytest.raises(ValueError, match="excerpt"):
        ExcerptRule(seconds=29, margin_seconds=10, whole_up_to_seconds=35)
