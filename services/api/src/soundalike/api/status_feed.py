"""The status of the platform for any number of viewers, read once for all of them."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soundalike.api.errors import TooManyListeners
from soundalike.api.schemas.status import Status
from soundalike.db import locations, platform_status, track_states
from soundalike.errors import DatabaseUnavailable, QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from soundalike.api.platform_connection import PlatformConnection
    from soundalike.api.platform_queues import PlatformQueues, QueuePair
    from soundalike.db.database import Pool
    from soundalike.db.libraries import Library
    from soundalike.db.locations import LibraryCounts
    from soundalike.db.tracks import State

MAX_LISTENERS: Final = 64
"""Of one process; each takes a connection for as long as somebody looks."""

HEARTBEAT_S: Final = 15.0
"""After so long without news a listener gets a sign of life, so that no proxy takes the connection for dead."""

_TICK_S: Final = 0.25
_MAX_AGE_S: Final = 1.0
# Counting a million tracks takes some 100 ms: no more than a twentieth of the time is spent on it.
_REST_FACTOR: Final = 20.0
_LIBRARY_COUNTS_AGE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The status at one moment, or in its place the `problem` that kept it from being read.

    `number` grows when something other than an age changes.
    """

    number: int
    status: Status | None
    problem: str | None = None


class StatusFeed:
    """Reads the status when somebody wants it and the last one is old, once for all who want it meanwhile.

    `is_ending` tells that the process is about to end: nobody is kept waiting then.
    """

    def __init__(
        self,
        platform: PlatformConnection,
        queues: PlatformQueues,
        is_ending: Callable[[], bool],
        *,
        max_listeners: int = MAX_LISTENERS,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._platform = platform
        self._queues = queues
        self._is_ending = is_ending
        self._max_listeners = max_listeners
        self._heartbeat_s = heartbeat_s
        self._listeners = 0
        self._report: StatusReport | None = None
        self._valid_until = 0.0
        self._reading: asyncio.Task[StatusReport] | None = None
        self._library_counts: Mapping[int, LibraryCounts] = {}
        self._by_state: Mapping[State, int] = {}
        self._by_state_until = 0.0
        self._counted_libraries: Sequence[Library] = ()
        self._library_counts_until = 0.0

    async def current(self) -> StatusReport:
        """Return the status; it is a second old at most, and only its counts are older where counting takes long."""
        if self._report is not None and time.monotonic() < self._valid_until:
            return self._report
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        # Whoever goes away must not take the answer from the others.
        return await asyncio.shield(self._reading)

    def expire(self) -> None:
        """Have the status read anew, because something was just changed."""
        self._valid_until = self._by_state_until = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place among the listeners; raises `TooManyListeners`."""
        if self._listeners >= self._max_listeners:
            raise TooManyListeners(f"{self._max_listeners} others are watching")
        self._listeners += 1
        try:
            yield
        finally:
            self._listeners -= 1

    async def changes(self) -> AsyncIterator[StatusReport | None]:
        """Yield the status now and whenever it changes, None where nothing did for a while; ends with the process."""
        number, quiet_until = 0, 0.0
        while not self._is_ending():
            report = await self.current()
            if report.number != number:
                number, quiet_until = report.number, time.monotonic() + self._heartbeat_s
                yield report
            elif time.monotonic() >= quiet_until:
                quiet_until = time.monotonic() + self._heartbeat_s
                yield None
            await asyncio.sleep(_TICK_S)

    async def close(self) -> None:
        """End what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> StatusReport:
        status: Status | None = None
        problem: str | None = None
        try:
            status = await self._status()
        except DatabaseUnavailable as error:
            problem = str(error)
        before = self._report
        number = before.number if before else 0
        if before is None or before.problem != problem or _without_age(before.status) != _without_age(status):
            number += 1
        self._report = StatusReport(number, status, problem)
        self._valid_until = time.monotonic() + _MAX_AGE_S
        return self._report

    async def _status(self) -> Status:
        pair: QueuePair | tuple[None, None] = None, None
        with suppress(QueueUnavailable):
            pair = await self._queues.open()
        async with self._platform.database() as db:
            await self._count_tracks(db)
            queue, dead_letter_queue = pair
            platform = await platform_status.read(db, queue, dead_letter_queue, self._by_state)
            await self._count_files(db, platform.libraries)
        return Status.of(platform, self._library_counts, await self._platform.problems())

    async def _count_tracks(self, db: Pool) -> None:
        began = time.monotonic()
        if began >= self._by_state_until:
            self._by_state = await track_states.count_by_state(db)
            ended = time.monotonic()
            self._by_state_until = ended + _REST_FACTOR * (ended - began)

    async def _count_files(self, db: Pool, libraries: Sequence[Library]) -> None:
        if time.monotonic() >= self._library_counts_until or libraries != self._counted_libraries:
            self._library_counts, self._counted_libraries = await locations.counts(db), libraries
            self._library_counts_until = time.monotonic() + _LIBRARY_COUNTS_AGE_S


def _without_age(status: Status | None) -> Status | None:
    if status is None or status.index is None:
        return status
    return status.model_copy(update={"index": status.index.model_copy(update={"age_s": 0})})
