"""What the platform holds and does right now, as `soundalike status` and the page show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from soundalike.db import (
    advisory_locks,
    analyses,
    crawls,
    index_versions,
    libraries,
    losses,
    models,
    task_queue,
    track_requests,
    track_states,
)
from soundalike.db.overview import overview
from soundalike.throughput import Throughput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from soundalike.db.analyses import Analysis
    from soundalike.db.crawls import StoredCrawl
    from soundalike.db.database import Executor
    from soundalike.db.index_versions import IndexVersionRecord
    from soundalike.db.libraries import Library
    from soundalike.db.losses import Loss
    from soundalike.db.models import RegisteredModel
    from soundalike.db.overview import Overview
    from soundalike.db.tracks import State
    from soundalike.storage.message_queue import MessageQueue

LOSSES_AGE: Final = timedelta(days=1)
_MAX_ACTIVE: Final = 50
_MAX_RECENT: Final = 10
_MAX_CRAWLS: Final = 20


@dataclass(frozen=True, slots=True)
class AnalysisStatus:
    """What is analysed now and was last; `waiting` counts what is still to be analysed."""

    active: Sequence[Analysis] = ()
    recent: Sequence[Analysis] = ()
    waiting: int = 0
    throughput: Throughput = field(default_factory=lambda: Throughput(0, 0.0))

    @property
    def remaining_s(self) -> float | None:
        """How long the rest will take, None where nothing tells."""
        return self.throughput.seconds_for(self.waiting) if self.waiting else 0.0


@dataclass(frozen=True, slots=True)
class RequestBacklog:
    """Tracks that people requested: how many are due to be fetched, and when the next of all was or will be due."""

    due: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """Everything that the database and the queues know; `losses` are those of the last day, oldest first.

    `has_watcher` tells whether a crawler watches, which takes up requested tracks and crawls.
    """

    overview: Overview
    requests: RequestBacklog
    losses: Sequence[Loss] = ()
    analysis: AnalysisStatus = field(default_factory=AnalysisStatus)
    index: IndexVersionRecord | None = None
    models: Sequence[RegisteredModel] = ()
    libraries: Sequence[Library] = ()
    crawls: Sequence[StoredCrawl] = ()
    has_watcher: bool = False


async def read(
    db: Executor,
    queue: MessageQueue | None,
    dead_letters: MessageQueue | None,
    by_state: Mapping[State, int] | None = None,
) -> PlatformStatus:
    """Gather the status, as `overview` does; raises what the database raises."""
    totals = await overview(db, queue, dead_letters, by_state)
    return PlatformStatus(
        totals,
        RequestBacklog(*await task_queue.count_due(db, [track_requests.TASK])),
        await losses.recent(db, LOSSES_AGE),
        await _analysis(db, totals.model),
        await index_versions.get_published(db, totals.model) if totals.model else None,
        await models.registered(db),
        await libraries.all_libraries(db),
        await crawls.newest(db, limit=_MAX_CRAWLS),
        await advisory_locks.is_shared(db, advisory_locks.WATCHER),
    )


async def _analysis(db: Executor, model: str | None) -> AnalysisStatus:
    waiting = await track_states.count_waiting(db)
    if model is None:
        return AnalysisStatus(waiting=waiting)
    return AnalysisStatus(
        await analyses.active(db, limit=_MAX_ACTIVE),
        await analyses.recent(db, model, limit=_MAX_RECENT),
        waiting,
        await analyses.throughput(db, model),
    )
