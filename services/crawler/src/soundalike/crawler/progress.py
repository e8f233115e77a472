"""Telling the person who waits how the crawl goes on."""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING, Final, Protocol, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from soundalike.crawler.stats import OutcomeStatus
from soundalike.domain.text import escape
from soundalike.terminal import print_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Task

    from soundalike.crawler.stats import Outcome

log = logging.getLogger(__name__)

_LINE_INTERVAL_S: Final = 5.0
_LOGGED_STATUSES: Final = frozenset({OutcomeStatus.FAILED, OutcomeStatus.REJECTED})


class ProgressDisplay(Protocol):
    """Shows a crawl while its context is open."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""

    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Show that one more place, of `total` if that is known, came to its end."""

    def report_pause(self, service: str, seconds: float) -> None:
        """Show that a service asked for a pause."""

    def stop(self) -> None:
        """Show nothing more, so that a question can be asked."""


def create_display(console: Console, name: str) -> ProgressDisplay:
    """Return a bar where the console is a terminal, and lines of the log elsewhere."""
    return ProgressBar(console, name) if console.is_terminal else ProgressLog(name)


class ProgressBar:
    """A bar, with a line above it for everything that went wrong."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            Countdown(),
            console=console,
        )
        self._task = self._bar.add_task(escape(f"crawling {name}"), total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)
        if outcome.is_notable or outcome.status in _LOGGED_STATUSES:
            self._print(_line(outcome))

    def report_pause(self, service: str, seconds: float) -> None:
        """Count the pause down beside the bar."""
        self._bar.update(self._task, pause=(service, self._bar.get_time() + seconds))

    def _print(self, text: str) -> None:
        print_line(self._console, text)


class ProgressLog:
    """A line of the log every few seconds, and one for everything that went wrong."""

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._next_line = clock() + _LINE_INTERVAL_S

    def __enter__(self) -> Self:
        log.info("crawling %s", self._name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Do nothing: a line is whole."""

    def report(self, outcome: Outcome, done: int, total: int | None) -> None:
        """Write a line if the last one is old enough."""
        if outcome.is_notable or outcome.status in _LOGGED_STATUSES:
            log.warning("%s", _line(outcome))
        if self._clock() >= self._next_line:
            self._next_line = self._clock() + _LINE_INTERVAL_S
            log.info("%d of %s", done, "?" if total is None else total)

    def report_pause(self, service: str, seconds: float) -> None:
        """Write that a service asked for a pause."""
        log.info("%s: rate limit reached, waiting %.0f s", service, seconds)


class Countdown(ProgressColumn):
    """How long a service's pause still lasts, in whole seconds; nothing while nobody waits."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """Write the seconds that are left."""
        service, ends_at = task.fields.get("pause", ("", 0.0))
        left = ends_at - task.get_time()
        return Text(escape(f"{service}: rate limit reached, waiting {math.ceil(left)} s") if left > 0 else "")


def _line(outcome: Outcome) -> str:
    return f"{outcome.label}: {outcome.status}, {outcome.detail or outcome.reason}"
