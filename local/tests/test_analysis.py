from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from soundalike.db import track_states, tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.local.analysis import (
    AnalysisProgress,
    AnalysisStalled,
    Rate,
    analysis_display,
    time_left,
    wait_for_analysis,
)

if TYPE_CHECKING:
    from soundalike.db.database import Pool


class Display:
    def __init__(self) -> None:
        self.shown: list[AnalysisProgress] = []

    def show(self, progress: AnalysisProgress) -> None:
        self.shown.append(progress)


async def queue(pool: Pool, *keys: str) -> list[TrackId]:
    queued = [TrackId("deezer", key) for key in keys]
    for track in queued:
        await tracks.ensure(pool, track)
        await tracks.mark_queued(pool, track, provider="deezer", method="isrc")
    return queued


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([(0, 0)], None),
        ([(0, 0), (1, 5)], None),
        ([(0, 3), (30, 3)], None),
        ([(0, 0), (10, 5)], 200.0),
        # Only the last minute counts: first ten a second, then one.
        ([(0, 0), (60, 600), (90, 630), (120, 660)], 100.0),
    ],
)
def test_the_time_left_follows_the_rate_of_the_last_minute(
    samples: list[tuple[float, int]], expected: float | None
) -> None:
    times = iter([time for time, _ in samples])
    rate = Rate(clock=lambda: next(times))
    for _, finished in samples:
        rate.add(finished)
    assert rate.seconds_for(100) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "a few seconds left"),
        (9.9, "a few seconds left"),
        (44, "about 40 s left"),
        (55, "about 1 min left"),
        (61 * 60, "about 1 h 1 min left"),
    ],
)
def test_an_estimate_is_told_as_roughly_as_it_is(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


async def test_the_wait_ends_with_the_last_queued_track(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.local.analysis._POLL_S", 0.0)
    (earlier,) = await queue(pool, "9")
    await tracks.mark_rejected(pool, earlier, "silent")
    before = await track_states.count_by_state(pool)
    left = await queue(pool, "1", "2", "3")
    await tracks.set_reason(pool, left.pop(), "given up after 5 attempts")

    real = track_states.count_waiting

    async def count_and_finish_one(db: Pool) -> int:
        count = await real(db)
        if left:
            await tracks.mark_rejected(db, left.pop(), "silent")
        return count

    monkeypatch.setattr(track_states, "count_waiting", count_and_finish_one)
    display = Display()
    await wait_for_analysis(pool, display, before)
    assert [(step.finished, step.refused, step.waiting) for step in display.shown] == [(1, 1, 2), (2, 2, 1), (2, 2, 0)]


async def test_a_wait_in_which_nothing_is_finished_is_given_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundalike.local.analysis._POLL_S", 0.0)
    await queue(pool, "1", "2")
    with pytest.raises(AnalysisStalled, match="2 are waiting: see the extractor's log"):
        await wait_for_analysis(pool, Display(), dict.fromkeys(State, 0), stall_s=0.0)


def test_elsewhere_than_on_a_terminal_progress_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with analysis_display(Console(force_terminal=False)) as display:
        for progress in (
            AnalysisProgress(),
            AnalysisProgress(1, 0, 9),
            # Too soon after the first.
            AnalysisProgress(2, 0, 8),
            AnalysisProgress(10, 2, 0, left_s=0.0),
        ):
            display.show(progress)
    assert capsys.readouterr().out.splitlines() == ["1 of 10 tracks analysed", "10 of 10 tracks analysed, 2 refused"]


def test_on_a_terminal_it_is_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with analysis_display(Console(force_terminal=True, width=100)) as display:
        display.show(AnalysisProgress(4, 1, 6, left_s=44.0))
    out = capsys.readouterr().out
    assert "4/10" in out
    assert "1 refused, about 40 s left" in out
