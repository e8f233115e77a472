"""The table at the end of a crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from soundalike.crawler.stats import OutcomeStatus
from soundalike.domain.text import escape
from soundalike.terminal import print_line

if TYPE_CHECKING:
    from rich.console import Console

    from soundalike.crawler.stats import CrawlStats

_MAX_REASONS: Final = 12


def print_summary(console: Console, name: str, stats: CrawlStats) -> None:
    """Print how the places of a list ended."""
    # Not as the table's title, which would be broken at the width of the table.
    print_line(console, name)
    console.print(summary_table(stats))


def summary_line(stats: CrawlStats) -> str:
    """Write how the places of a list ended, each status with its most frequent reason."""
    parts = []
    for status in OutcomeStatus:
        if count := stats.count(status):
            [(reason, _)] = stats.by_reason[status].most_common(1)
            parts.append(f"{count} {status}" + (f" ({reason})" if reason else ""))
    parts += [f"{count} {what}" for what, count in stats.changes.items() if count]
    return ", ".join(parts) or "no entries"


def ignored_line(stats: CrawlStats) -> str:
    """Write of what kinds the files are that are no tracks."""
    return ", ".join(f"{count} {what}" for what, count in sorted(stats.ignored.items())) or "it is empty"


def summary_table(stats: CrawlStats) -> Table:
    """Lay out how the places of a list ended: `finished` is the sum of what stands flush left for the five statuses."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_row("found", str(stats.finished))
    for status in (
        OutcomeStatus.SKIPPED,
        OutcomeStatus.NO_PREVIEW,
        OutcomeStatus.REJECTED,
        OutcomeStatus.UPLOADED,
        OutcomeStatus.FAILED,
    ):
        table.add_row(status.value, str(stats.count(status)))
        reasons = [(reason, count) for reason, count in stats.by_reason[status].most_common() if reason]
        for reason, count in reasons[:_MAX_REASONS]:
            table.add_row(Text(f"  {escape(reason)}"), str(count), style="dim")
        if more := sum(count for _, count in reasons[_MAX_REASONS:]):
            table.add_row("  other reasons", str(more), style="dim")
    if stats.unfinished:
        table.add_row("started, not finished", str(stats.unfinished))
    for what, count in sorted(stats.ignored.items()):
        table.add_row(Text(f"({escape(what)})"), str(count), style="dim")
    for what, count in stats.changes.items():
        if count:
            table.add_row(Text(f"[{what}]"), str(count), style="dim")
    return table
