"""The walk itself: workers that read the lists that are due until none is, or the budget is spent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from soundalike.crawler.errors import PreviewUnavailable
from soundalike.crawler.stats import OutcomeStatus
from soundalike.crawler.walk.graph_writer import LIKERS, LIKES, GraphWriter
from soundalike.crawler.walk.limits import Bounds, BudgetExhausted
from soundalike.crawler.walk.list_position import ListPosition
from soundalike.crawler.walk.previews import PREVIEW
from soundalike.db import task_queue
from soundalike.http.errors import (
    Missing,
    NotAllowed,
    QuotaExhausted,
    RateLimited,
    ServiceRefused,
    ServiceUnavailable,
)
from soundalike.soundcloud import Resolve, Tracks, Users
from soundalike.soundcloud.errors import PagesRepeat

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from soundalike import soundcloud
    from soundalike.crawler.walk.previews import PreviewIngest
    from soundalike.db.database import Pool
    from soundalike.db.task_queue import Task
    from soundalike.soundcloud import Page
    from soundalike.soundcloud.replies import Model

log = logging.getLogger(__name__)

_RETRY_WAIT: Final = timedelta(minutes=15)
_POLL_S: Final = 2.0
_MAX_ATTEMPTS: Final = 5


class WalkListener(Protocol):
    """Gets the progress of a walk."""

    def report(self, stats: WalkStats) -> None:
        """Take what was done until now."""


class _NoListener:
    def report(self, stats: WalkStats) -> None:
        pass


@dataclass(slots=True)
class WalkStats:
    """What a run did: `rows` of likes and likers, from `lists` read to their end; `reasons` why others were not."""

    requests: int = 0
    lists: int = 0
    rows: int = 0
    previews: int = 0
    unreadable: int = 0
    pending: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Walk:
    """One run; others may walk at the same time, and no list is read by two.

    With `preview_ingest` the previews of the tracks of the walk are uploaded as well.
    """

    pool: Pool
    connection: soundcloud.Connection
    bounds: Bounds = field(default_factory=Bounds)
    workers: int = 8
    preview_ingest: PreviewIngest | None = None
    listener: WalkListener = field(default_factory=_NoListener)
    stats: WalkStats = field(default_factory=WalkStats, init=False)
    _writer: GraphWriter = field(init=False)
    _stop: Exception | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._writer = GraphWriter(self.pool, enqueue_previews=self.preview_ingest is not None)

    async def start(self, url: str) -> str:
        """Enqueue the first list of the user or track that an address of soundcloud.com names; returns the URN.

        Raises what `soundcloud.Resolve` raises.
        """
        start = await Resolve(self.connection).resolve(url)
        await self._writer.write_start(start)
        return start.urn

    async def run(self) -> None:
        """Walk until nothing within the bounds is due, or the budget is spent.

        Raises `NotAllowed` for an account that SoundCloud does not accept, and `QuotaExhausted` when it asks for a
        longer wait than a run waits; what was read until then is kept.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._work())
        except ExceptionGroup as failed:
            # Workers fail for one reason, such as a database that stays away; callers look for its type.
            raise failed.exceptions[0] from failed
        finally:
            self.stats.requests = self.connection.request_count
        self.stats.pending, _ = await task_queue.count_due(self.pool, self._requests, max_depth=self.bounds.depth)
        if self._stop and not isinstance(self._stop, BudgetExhausted):
            raise self._stop

    @property
    def _requests(self) -> list[str]:
        return [LIKES, LIKERS] if self.preview_ingest is None else [LIKES, LIKERS, PREVIEW]

    async def _work(self) -> None:
        while self._stop is None:
            tasks = await task_queue.lease(self.pool, self._requests, max_depth=self.bounds.depth)
            if tasks:
                await self._run_task(tasks[0])
            elif await self._is_finished():
                return
            else:
                # The list that another worker is reading may add more.
                await asyncio.sleep(_POLL_S)

    async def _is_finished(self) -> bool:
        due, _ = await task_queue.count_due(self.pool, self._requests, max_depth=self.bounds.depth)
        return due == 0

    async def _run_task(self, task: Task) -> None:
        try:
            finished = await self._read(task)
        except PagesRepeat as error:
            log.warning("%s of %s: %s", task.request, task.urn, error)
            self.stats.reasons["its pages repeat"] += 1
            finished = True
        except Missing as error:
            await self._reschedule(task, "gone or private", str(error), None)
            return
        except NotAllowed as error:
            self._stop = error
            await self._release(task)
            return
        except ServiceRefused as error:
            await self._reschedule(task, "SoundCloud refuses the request", str(error), None)
            return
        except RateLimited as error:
            wait = error.wait_s or _RETRY_WAIT.total_seconds()
            self._stop = QuotaExhausted(f"{error}; run the same command again to continue", wait_s=wait)
            await self._release(task)
            return
        except BudgetExhausted as error:
            self._stop = self._stop or error
            await self._release(task)
            return
        except (ServiceUnavailable, PreviewUnavailable) as error:
            later = None if task.attempts >= _MAX_ATTEMPTS else datetime.now(UTC) + _RETRY_WAIT * task.attempts
            reason = error.reason if isinstance(error, PreviewUnavailable) else "SoundCloud did not answer"
            await self._reschedule(task, reason, str(error), later)
            return
        if finished:
            await self._writer.complete(task, None if task.request == PREVIEW else self.bounds.revisit_after)
            self.stats.lists += 1
        else:
            await self._release(task)
        self._report()

    async def _read(self, task: Task) -> bool:
        """Read a list from where its reading stopped; returns whether it was read as far as the bounds go."""
        if self.preview_ingest is not None and task.request == PREVIEW:
            return await self._ingest_preview(self.preview_ingest, task)
        place, bounds = ListPosition.parse(task.cursor), self.bounds
        if task.request == LIKES:
            likes = Users(self.connection).favorites(task.urn, cursor=place.cursor)
            return await self._read_pages(likes, partial(self._writer.write_likes, task), place, bounds.likes_of_user)
        likers = Tracks(self.connection).favoriters(task.urn, cursor=place.cursor)
        return await self._read_pages(likers, partial(self._writer.write_likers, task), place, bounds.likers_of_track)

    async def _ingest_preview(self, preview_ingest: PreviewIngest, task: Task) -> bool:
        outcome = await preview_ingest.process(task.urn)
        if outcome is not None and outcome.status is OutcomeStatus.UPLOADED:
            self.stats.previews += 1
        elif outcome is not None:
            self.stats.reasons[outcome.reason or str(outcome.status)] += 1
        return True

    async def _read_pages(
        self,
        pages: AsyncGenerator[Page[Model]],
        write: Callable[[Sequence[Model], ListPosition], Awaitable[None]],
        position: ListPosition,
        max_rows: int,
    ) -> bool:
        counted: set[str] = set()
        async with aclosing(pages):
            async for page in pages:
                rows = page.rows[: max_rows - position.row_count]
                position = ListPosition(position.row_count + len(rows), page.cursor)
                await write(rows, position)
                # A list that grows while it is read shows the end of a page again on the next one.
                new = {row.urn for row in rows} - counted
                self.stats.rows += len(new)
                counted |= new
                self.stats.unreadable += page.unreadable
                self._report()
                if position.row_count >= max_rows:
                    return True
                if self._stop:
                    return page.cursor is None
        return True

    def _report(self) -> None:
        self.stats.requests = self.connection.request_count
        self.listener.report(self.stats)

    async def _reschedule(self, task: Task, reason: str, detail: str, due_at: datetime | None) -> None:
        self.stats.reasons[reason] += 1
        await task_queue.reschedule(self.pool, task, detail, due_at)

    async def _release(self, task: Task) -> None:
        # Due at once, with the position that was reached: the next worker goes on from there.
        await task_queue.extend_lease(self.pool, task, duration=timedelta(0))
