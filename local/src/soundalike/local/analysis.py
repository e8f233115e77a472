"""Waiting until what is queued has been analysed, with progress and the time that is left for whoever waits."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from soundalike.db import track_states
from soundalike.db.tracks import State
from soundalike.local.errors import LocalPlatformError
from soundalike.terminal import echo
from soundalike.throughput import Throughput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import Console

    from soundalike.db.database import Pool

STALL_S: Final = 300.0
"""After so many seconds in which no track was finished the wait is given up."""

_POLL_S: Final = 0.5
_LINE_INTERVAL_S: Final = 5.0
_WINDOW_S: Final = 60.0


class AnalysisStalled(LocalPlatformError):
    """Tracks are queued, and none has been finished for minutes."""


@dataclass(frozen=True, slots=True)
class AnalysisProgress:
    """How far the analysis is, in tracks; `left_s` is None while nothing tells how long the rest will take."""

    finished: int = 0
    refused: int = 0
    waiting: int = 0
    left_s: float | None = None

    @property
    def total(self) -> int:
        """All tracks that this is about."""
        return self.finished + self.waiting

    @property
    def remarks(self) -> str:
        """What is said beside the counts: how many were refused, and the time left."""
        refused = f"{self.refused} refused" if self.refused else ""
        left = time_left(self.left_s) if self.waiting and self.left_s is not None else ""
        return ", ".join(filter(None, (refused, left)))

    @property
    def line(self) -> str:
        """All of it in one line."""
        return ", ".join(filter(None, (f"{self.finished} of {self.total} tracks analysed", self.remarks)))


class AnalysisDisplay(Protocol):
    """Shows progress to a person."""

    def show(self, progress: AnalysisProgress) -> None:
        """Show it in the place of what was shown before."""


@dataclass(slots=True)
class Rate:
    """How fast something has been finished in the last minute; `clock` counts seconds."""

    clock: Callable[[], float] = time.monotonic
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, finished: int) -> None:
        """Note how much is finished now."""
        now = self.clock()
        self._samples.append((now, finished))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _WINDOW_S:
            self._samples.popleft()

    def seconds_for(self, count: int) -> float | None:
        """Return how long `count` more will take at this rate; None where too little was seen of it."""
        if not self._samples:
            return None
        (began, before), (now, finished) = self._samples[0], self._samples[-1]
        return Throughput(finished - before, now - began).seconds_for(count)


def time_left(seconds: float) -> str:
    """Say how long something will still take, as exactly as an estimate deserves."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 55:
        return f"about {round(seconds, -1):.0f} s left"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {minutes // 60} h {minutes % 60} min left"


async def wait_for_analysis(
    pool: Pool, display: AnalysisDisplay, before: Mapping[State, int], *, stall_s: float = STALL_S
) -> None:
    """Wait until no track waits for its analysis; `before` counts the tracks by state as they were before the crawl.

    Raises `AnalysisStalled` after `stall_s` seconds in which no track was finished.
    """
    rate, last_waiting, deadline = Rate(), None, 0.0
    while True:
        waiting, counts = await track_states.count_waiting(pool), await track_states.count_by_state(pool)
        ready, refused = (max(0, counts[state] - before.get(state, 0)) for state in (State.READY, State.REJECTED))
        finished = ready + refused
        rate.add(finished)
        display.show(AnalysisProgress(finished, refused, waiting, rate.seconds_for(waiting)))
        if not waiting:
            return
        if waiting != last_waiting:
            last_waiting, deadline = waiting, time.monotonic() + stall_s
        if time.monotonic() > deadline:
            raise AnalysisStalled(
                f"No track was analysed for {stall_s / 60:g} minutes, {waiting} are waiting: see the extractor's log."
            )
        await asyncio.sleep(_POLL_S)


@contextmanager
def analysis_display(console: Console) -> Iterator[AnalysisDisplay]:
    """Show the analysis for as long as the context is open: a bar on a terminal, elsewhere a line every few seconds."""
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[remarks]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("analysing", total=None, visible=False, remarks="")

    def show(self, progress: AnalysisProgress) -> None:
        self._progress.update(
            self._task,
            completed=progress.finished,
            total=progress.total,
            visible=progress.total > 0,
            remarks=progress.remarks,
        )


class _Lines:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_line = 0.0

    def show(self, progress: AnalysisProgress) -> None:
        if progress.total and (not progress.waiting or self._clock() >= self._next_line):
            self._next_line = self._clock() + _LINE_INTERVAL_S
            echo(progress.line)
