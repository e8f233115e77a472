"""`soundalike status --watch`, and what the status says of the analysis and of dead letters."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from soundalike.db.analyses import Analysis
from soundalike.db.dead_letters import DeadLetter
from soundalike.db.overview import Overview
from soundalike.db.platform_status import AnalysisStatus, PlatformStatus, RequestBacklog
from soundalike.db.tracks import State
from soundalike.local.status import DatabaseContent, Status, as_json, render, summary_line
from soundalike.local.status_watch import watch
from soundalike.storage.message_queue import Depth
from soundalike.throughput import Throughput

if TYPE_CHECKING:
    import pytest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LETTERS = (
    DeadLetter("a", "deezer:track:1", "the decoder crashed (signal 11)", 5, "A Song", NOW),
    DeadLetter("b", None, "the message is not an S3 event", received_at=NOW),
)


def status_with(ready: int, *, queued: int = 0, letters: tuple[DeadLetter, ...] = ()) -> Status:
    counts = dict.fromkeys(State, 0) | {State.READY: ready, State.QUEUED: queued}
    totals = Overview(ready + queued, counts, Depth(queued, 0, 0), len(letters), "m", None, 0, ready)
    active = [Analysis("deezer:track:9", "Now [bold]playing", ("Somebody",), NOW)] if queued else []
    analysis = AnalysisStatus(active, (), queued, Throughput(20, 10.0))
    return Status(
        DatabaseContent(PlatformStatus(totals, RequestBacklog(0, None), (), analysis), letters), {"api": True}
    )


class Reader:
    """Gives one status after the other, the last one again and again."""

    def __init__(self, *statuses: Status) -> None:
        self.statuses = list(statuses)
        self.reads = 0
        self.enough = asyncio.Event()

    async def read(self) -> Status:
        self.reads += 1
        if self.reads > len(self.statuses) + 2:
            self.enough.set()
        return self.statuses[min(self.reads, len(self.statuses)) - 1]


async def watched(reader: Reader, console: Console) -> None:
    task = asyncio.create_task(watch(reader, console, interval_s=0))  # type: ignore[arg-type]
    await reader.enough.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_the_status_says_what_is_analysed_and_why_letters_are_dead() -> None:
    status = status_with(90, queued=30, letters=LETTERS)
    lines = render(status).splitlines()
    assert "analysis      30 waiting, 120 a minute, about 20 s left, now Now [bold]playing" in lines
    place = lines.index("dead letters  2")
    assert lines[place + 1 : place + 3] == [
        "              A Song: the decoder crashed (signal 11)",
        "              a message about no track: the message is not an S3 event",
    ]
    content = json.loads(json.dumps(as_json(status)))
    assert content["analysis"] == {
        "active": ["deezer:track:9"],
        "waiting": 30,
        "per_minute": 120.0,
        "remaining_s": 15.0,
    }
    assert content["dead_letter_reasons"][0]["reason"] == "the decoder crashed (signal 11)"
    assert content["dead_letters"] == 2


async def test_without_a_terminal_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = status_with(1, queued=1), status_with(2, letters=LETTERS)
    away = Status(None, {}, {"database": "the database does not answer"})
    await watched(Reader(first, first, second, second, away), Console(file=io.StringIO()))
    assert capsys.readouterr().out.splitlines() == [
        "2 tracks (1 queued, 1 ready); analysis: 1 waiting, 120 a minute, a few seconds left, now Now [bold]playing",
        "2 tracks (2 ready); dead letters: 2",
        "the database does not answer",
    ]
    assert summary_line(away) == "the database does not answer"


async def test_on_a_terminal_the_table_stays_in_its_place() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=120, height=60)
    await watched(Reader(status_with(1, queued=1), status_with(2)), console)
    shown = output.getvalue()
    assert "Now [bold]playing" in shown
    # The cursor goes back over what was shown.
    assert "\x1b[1A" in shown
