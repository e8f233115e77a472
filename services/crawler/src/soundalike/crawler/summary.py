"""The table at the end of a crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from soundalike.crawler.stats import Fate

if TYPE_CHECKING:
    from rich.console import Console

    from soundalike.crawler.stats import Tally

_MOST_REASONS: Final = 12


def print_closing_table(console: Console, name: str, tally: Tally) -> None:
    """Print how the places of a list ended."""
    # Not as the table's title, which would be broken at the width of the table.
    console.print(name, markup=False, highlight=False, soft_wrap=True)
    console.print(closing_table(tally))


def in_a_line(tally: Tally) -> str:
    """Write how the places of a list ended, each fate with its most frequent reason."""
    parts = []
    for fate in Fate:
        if count := tally.count(fate):
            [(reason, _)] = tally.by_reason[fate].most_common(1)
            parts.append(f"{count} {fate}" + (f" ({reason})" if reason else ""))
    return ", ".join(parts) or "nothing there"


def closing_table(tally: Tally) -> Table:
    """Lay out how the places of a list ended: `found` is the sum of what stands flush left for the five fates."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_row("found", str(tally.found))
    for fate in (Fate.SKIPPED, Fate.NO_PREVIEW, Fate.REJECTED, Fate.UPLOADED, Fate.FAILED):
        table.add_row(fate.value, str(tally.count(fate)))
        reasons = [(reason, count) for reason, count in tally.by_reason[fate].most_common() if reason]
        for reason, count in reasons[:_MOST_REASONS]:
            table.add_row(Text(f"  {reason}"), str(count), style="dim")
        if more := sum(count for _, count in reasons[_MOST_REASONS:]):
            table.add_row("  other reasons", str(more), style="dim")
    if tally.unfinished:
        table.add_row("taken up, not finished", str(tally.unfinished))
    for what, count in sorted(tally.aside.items()):
        table.add_row(Text(f"({what})"), str(count), style="dim")
    return table
