"""What the person who waits gets to see."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress

from soundalike.crawler.progress import Countdown, ProgressBar, ProgressLog, create_display
from soundalike.crawler.stats import CrawlStats, Outcome, OutcomeStatus
from soundalike.crawler.summary import print_summary, summary_line
from soundalike.crawler.walk.command import stats_table
from soundalike.crawler.walk.walker import WalkStats
from soundalike.testing.hostile_text import HOSTILE_TEXTS, active_characters

if TYPE_CHECKING:
    import pytest

OUTCOMES = st.builds(
    Outcome, st.sampled_from(OutcomeStatus), st.just("x"), st.sampled_from(["", "a", "b", "[red]", "c" * 200])
)


def shown(stats: CrawlStats) -> list[list[str]]:
    text = io.StringIO()
    print_summary(Console(file=text, width=300), "[list]", stats)
    title, *rows = text.getvalue().splitlines()
    assert title.strip() == "[list]"
    return [row.rstrip().rsplit(None, 1) for row in rows]


@given(st.lists(OUTCOMES), st.integers(0, 5))
def test_the_table_always_adds_up(outcomes: list[Outcome], unfinished: int) -> None:
    stats = CrawlStats(started=len(outcomes) + unfinished)
    for outcome in outcomes:
        stats.add(outcome)
    rows = shown(stats)
    flush_left = {name: int(number) for name, number in rows if not name.startswith(" ")}
    results = flush_left.pop("found")
    assert results == len(outcomes) == sum(flush_left[status.value] for status in OutcomeStatus)
    assert flush_left.get("started, not finished", 0) == unfinished
    for status in OutcomeStatus:
        with_reason = sum(count for reason, count in stats.by_reason[status].items() if reason)
        start = [name for name, _ in rows].index(status.value) + 1
        below = rows[start : next((i for i in range(start, len(rows)) if not rows[i][0].startswith(" ")), len(rows))]
        assert sum(int(number) for _, number in below) == with_reason


def test_many_reasons_are_summed_up() -> None:
    stats = CrawlStats()
    for number in range(20):
        stats.add(Outcome(OutcomeStatus.SKIPPED, "x", f"reason {number}"))
    assert ["  other reasons", "8"] in shown(stats)


def test_what_lies_between_the_tracks_is_counted_apart() -> None:
    stats = CrawlStats()
    stats.ignored["other files"] += 3
    assert shown(stats)[0] == ["found", "0"]
    assert shown(stats)[-1] == ["(other files)", "3"]


def test_a_bar_only_on_a_terminal() -> None:
    text = io.StringIO()
    assert isinstance(create_display(Console(file=text, force_terminal=True), "x"), ProgressBar)
    assert isinstance(create_display(Console(file=text), "x"), ProgressLog)


def test_the_bar_moves_and_says_what_went_wrong() -> None:
    text = io.StringIO()
    with create_display(Console(file=text, force_terminal=True, width=120), "[red]list") as bar:
        bar.report(Outcome(OutcomeStatus.UPLOADED, "good"), 1, 3)
        bar.report(Outcome(OutcomeStatus.REJECTED, "[bold]bad", "too short", "it is 2.0 s long"), 2, 3)
        bar.report_pause("spotify", 7)
    output = text.getvalue()
    assert "crawling [red]list" in output
    assert "2/3" in output
    assert "[bold]bad: rejected, it is 2.0 s long" in output
    assert "spotify: rate limit reached, waiting 7 s" in output
    assert "good" not in output


def test_lines_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    lines = ProgressLog("list", clock=lambda: now)
    with caplog.at_level(logging.INFO), lines:
        for done in range(1, 13):
            now = float(done)
            lines.report(Outcome(OutcomeStatus.UPLOADED, "x"), done, None if done < 8 else 12)
        lines.report(Outcome(OutcomeStatus.FAILED, "bad", "away"), 12, 12)
        lines.report_pause("deezer", 30)
    assert caplog.messages == [
        "crawling list",
        "5 of ?",
        "10 of 12",
        "bad: failed, away",
        "deezer: rate limit reached, waiting 30 s",
    ]


def test_the_pause_is_counted_down_and_then_gone() -> None:
    now = 100.0
    bar = Progress(console=Console(file=io.StringIO()), get_time=lambda: now)
    task = bar.add_task("x", pause=("deezer", 107.5))

    def shown(at: float) -> str:
        nonlocal now
        now = at
        return Countdown().render(bar.tasks[task]).plain

    assert [shown(at) for at in (100.0, 101.6, 107.4)] == [
        f"deezer: rate limit reached, waiting {left} s" for left in (8, 6, 1)
    ]
    assert shown(107.5) == ""


def test_a_run_in_a_line() -> None:
    stats = CrawlStats()
    assert summary_line(stats) == "no entries"
    stats.add(Outcome(OutcomeStatus.UPLOADED, "x"))
    stats.add(Outcome(OutcomeStatus.NO_PREVIEW, "x", "nobody has it"))
    assert summary_line(stats) == "1 uploaded, 1 no preview (nobody has it)"


def test_names_and_reasons_from_outside_are_shown_as_text() -> None:
    stats, walk_stats = CrawlStats(), WalkStats()
    for hostile in HOSTILE_TEXTS:
        stats.add(Outcome(OutcomeStatus.REJECTED, hostile, hostile, hostile))
        walk_stats.reasons[hostile] += 1
    stats.ignored[HOSTILE_TEXTS[0]] += 1
    file = io.StringIO()
    console = Console(file=file, width=300)
    print_summary(console, HOSTILE_TEXTS[0], stats)
    console.print(stats_table(walk_stats))
    with ProgressBar(console, HOSTILE_TEXTS[0]) as bar:
        for hostile in HOSTILE_TEXTS:
            bar.report(Outcome(OutcomeStatus.FAILED, hostile, hostile), 1, None)
            bar.report_pause(hostile, 60)
    assert active_characters(file.getvalue(), keep="\n") == set()
    assert file.getvalue().count("[bold red]markup[/bold red]") == 5
