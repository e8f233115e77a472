"""The walk itself: workers that take what is owed from the manifest until nothing is, or the budget is spent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from soundalike.crawler.errors import PreviewUnavailable, QuotaSpent
from soundalike.crawler.stats import Fate
from soundalike.crawler.walk.limits import Bounds, BudgetSpent
from soundalike.crawler.walk.list_position import Place
from soundalike.crawler.walk.previews import PREVIEW
from soundalike.crawler.walk.store import LIKERS, LIKES, Record
from soundalike.db import task_queue
from soundalike.errors import DatabaseUnavailable
from soundalike.soundcloud import Resolve, Tracks, Users
from soundalike.soundcloud.errors import Missing, NotAllowed, PagesRepeat, Refused, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from soundalike import soundcloud
    from soundalike.crawler.walk.previews import Previewing
    from soundalike.db.database import Pool
    from soundalike.db.task_queue import Task
    from soundalike.soundcloud import Page
    from soundalike.soundcloud.replies import Model

log = logging.getLogger(__name__)

_LATER: Final = timedelta(minutes=15)
_LOOK_AGAIN_S: Final = 2.0
_GIVE_UP_AFTER: Final = 5


class Audience(Protocol):
    """Who hears how the walk goes on."""

    def walked(self, count: Counts) -> None:
        """Hear what was done until now."""


class _Silence:
    def walked(self, count: Counts) -> None:
        pass


@dataclass(slots=True)
class Counts:
    """What a run did: `rows` of likes and likers, from `lists` read to their end; `reasons` why others were not."""

    requests: int = 0
    lists: int = 0
    rows: int = 0
    previews: int = 0
    unreadable: int = 0
    owed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Walk:
    """One run; others may walk at the same time, and none does what another is doing.

    With `previewing` the previews of the tracks that it comes by are brought as well.
    """

    pool: Pool
    connection: soundcloud.Connection
    bounds: Bounds = field(default_factory=Bounds)
    workers: int = 8
    previewing: Previewing | None = None
    audience: Audience = field(default_factory=_Silence)
    counts: Counts = field(default_factory=Counts, init=False)
    _record: Record = field(init=False)
    _stop: Exception | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._record = Record(self.pool, owes_previews=self.previewing is not None)

    async def begin(self, url: str) -> str:
        """Owe the first question about whom or what an address of soundcloud.com names; returns the URN.

        Raises what `soundcloud.Resolve` raises.
        """
        start = await Resolve(self.connection).resolve(url)
        await self._record.start(start)
        return start.urn

    async def run(self) -> None:
        """Walk until nothing within the bounds is due, or the budget is spent.

        Raises `NotAllowed` for an account that SoundCloud does not accept, and `QuotaSpent` when it asks for more
        patience than a run has; what was read until then is kept.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.workers):
                    group.create_task(self._work())
        except ExceptionGroup as failed:
            # Workers fail for one reason, such as a database that stays away; callers look for its type.
            raise failed.exceptions[0] from failed
        finally:
            self.counts.requests = self.connection.asked
        self.counts.owed, _ = await task_queue.count_due(self.pool, self._requests, max_depth=self.bounds.depth)
        if self._stop and not isinstance(self._stop, BudgetSpent):
            raise self._stop

    @property
    def _requests(self) -> list[str]:
        return [LIKES, LIKERS] if self.previewing is None else [LIKES, LIKERS, PREVIEW]

    async def _work(self) -> None:
        while self._stop is None:
            claimed = await task_queue.lease(self.pool, self._requests, max_depth=self.bounds.depth)
            if claimed:
                await self._settle(claimed[0])
            elif await self._nothing_is_under_way():
                return
            else:
                # What another worker is reading may bring more.
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _nothing_is_under_way(self) -> bool:
        due, _ = await task_queue.count_due(self.pool, self._requests, max_depth=self.bounds.depth)
        return due == 0

    async def _settle(self, errand: Task) -> None:
        try:
            finished = await self._read(errand)
        except PagesRepeat as error:
            log.warning("%s of %s: %s", errand.request, errand.urn, error)
            self.counts.reasons["its pages go round in a circle"] += 1
            finished = True
        except Missing as error:
            await self._put_off(errand, "gone or private", str(error), None)
            return
        except NotAllowed as error:
            self._stop = error
            await self._give_back(errand)
            return
        except Refused as error:
            await self._put_off(errand, type(error).__name__, str(error), None)
            return
        except Throttled as error:
            wait = error.seconds or _LATER.total_seconds()
            self._stop = QuotaSpent(
                f"{error}; run the same command again, it goes on where this one stopped", wait_s=wait
            )
            await self._give_back(errand)
            return
        except BudgetSpent as error:
            self._stop = self._stop or error
            await self._give_back(errand)
            return
        except (Unavailable, PreviewUnavailable, DatabaseUnavailable) as error:
            later = None if errand.attempts >= _GIVE_UP_AFTER else datetime.now(UTC) + _LATER * errand.attempts
            reason = error.reason if isinstance(error, PreviewUnavailable) else "SoundCloud did not answer"
            await self._put_off(errand, reason, str(error), later)
            return
        if finished:
            await self._record.done(errand, None if errand.request == PREVIEW else self.bounds.again_in)
            self.counts.lists += 1
        else:
            await self._give_back(errand)
        self._tell()

    async def _read(self, errand: Task) -> bool:
        """Read a list from where it was left; returns whether it was read as far as it is to be."""
        if self.previewing is not None and errand.request == PREVIEW:
            return await self._preview(self.previewing, errand)
        place, bounds = Place.read(errand.cursor), self.bounds
        if errand.request == LIKES:
            likes = Users(self.connection).favorites(errand.urn, cursor=place.cursor)
            return await self._take(likes, partial(self._record.likes, errand), place, bounds.likes_of_user)
        likers = Tracks(self.connection).favoriters(errand.urn, cursor=place.cursor)
        return await self._take(likers, partial(self._record.likers, errand), place, bounds.likers_of_track)

    async def _preview(self, previewing: Previewing, errand: Task) -> bool:
        outcome = await previewing.bring(errand.urn)
        if outcome is not None and outcome.fate is Fate.UPLOADED:
            self.counts.previews += 1
        elif outcome is not None:
            self.counts.reasons[outcome.reason or str(outcome.fate)] += 1
        return True

    async def _take(
        self,
        pages: AsyncGenerator[Page[Model]],
        write: Callable[[Sequence[Model], Place], Awaitable[None]],
        place: Place,
        most: int,
    ) -> bool:
        async with aclosing(pages):
            async for page in pages:
                rows = page.rows[: most - place.taken]
                place = Place(place.taken + len(rows), page.cursor)
                await write(rows, place)
                self.counts.rows += len(rows)
                self.counts.unreadable += page.unreadable
                self._tell()
                if place.taken >= most:
                    return True
                if self._stop:
                    return page.cursor is None
        return True

    def _tell(self) -> None:
        self.counts.requests = self.connection.asked
        self.audience.walked(self.counts)

    async def _put_off(self, errand: Task, reason: str, detail: str, until: datetime | None) -> None:
        self.counts.reasons[reason] += 1
        await task_queue.reschedule(self.pool, errand, detail, until)

    async def _give_back(self, errand: Task) -> None:
        # Due at once, with the place that was reached: whoever comes next goes on from there.
        await task_queue.extend_lease(self.pool, errand, duration=timedelta(0))
