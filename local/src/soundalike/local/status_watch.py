"""`soundalike status --watch`: the status as it changes, on a terminal in one place, elsewhere in lines."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from rich.live import Live
from rich.text import Text

from soundalike.local.status import render, summary_line
from soundalike.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from soundalike.local.status import Status, StatusReader

_INTERVAL_S: Final = 1.0


class StatusDisplay(Protocol):
    """Shows the status to a person."""

    def show(self, status: Status) -> None:
        """Show it in the place of the one before."""


async def watch(reader: StatusReader, console: Console, *, interval_s: float = _INTERVAL_S) -> None:
    """Show the status until cancelled."""
    with _display(console) as display:
        while True:
            display.show(await reader.read())
            await asyncio.sleep(interval_s)


@contextmanager
def _display(console: Console) -> Iterator[StatusDisplay]:
    if not console.is_terminal:
        yield _Lines()
        return
    with Live(console=console, auto_refresh=False) as live:
        yield _Screen(live)


class _Screen:
    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, status: Status) -> None:
        # As text: what looks like markup in a name is none.
        self._live.update(Text(render(status)), refresh=True)


class _Lines:
    def __init__(self) -> None:
        self._last = ""

    def show(self, status: Status) -> None:
        line = summary_line(status)
        if line != self._last:
            self._last = line
            echo(line)
