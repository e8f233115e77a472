"""The status of the platform, for people and for programs."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from soundalike.db import database, task_queue, track_requests
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.overview import Overview, overview
from soundalike.domain.text import escape
from soundalike.errors import SoundalikeError
from soundalike.local.errors import LocalPlatformError
from soundalike.local.pidfile import Pidfile
from soundalike.local.running_platform import find
from soundalike.provisioning.resources import ProvisioningSettings
from soundalike.settings import load
from soundalike.storage.message_queue import SqsQueue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from soundalike.local.data_directory import DataDirectory


@dataclass(frozen=True, slots=True)
class RequestBacklog:
    """Tracks that people requested: how many are due to be fetched, and when the next of all was or will be due."""

    due: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """What database, queues and index hold, which tracks are requested, and which programs run, by name."""

    overview: Overview
    requests: RequestBacklog
    programs: Mapping[str, bool]


class StatusUnavailable(LocalPlatformError):
    """The platform's database or queue does not respond."""


async def read_status(data: DataDirectory) -> Status:
    """Query database, queues and system for the platform on a folder; raises `NotRunning` and `StatusUnavailable`."""
    platform = find(data)
    # boto3 and the settings read the environment of this process, which runs this one command only.
    environment = platform.child_environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    settings = load(ProvisioningSettings)
    try:
        queue = await SqsQueue.connect(settings)
        dead_letters = await SqsQueue.connect(settings, dead_letters=True)
        async with database.connect(settings.database_url.get_secret_value(), size=1) as pool:
            totals = await overview(pool, queue, dead_letters)
            requests = RequestBacklog(*await task_queue.count_due(pool, [track_requests.TASK]))
    except SoundalikeError as error:
        raise StatusUnavailable(f"The platform does not respond: {error}") from error
    except CONNECTION_FAILURES as error:
        raise StatusUnavailable(f"The database does not respond: {error}") from error
    running = Pidfile(data.pidfile).running_names()
    return Status(totals, requests, {name: name in running for name in platform.programs})


def render(status: Status) -> str:
    """Return the status as a small table; the counts above the line add up to the total below it."""
    totals = status.overview
    width = max(len(state.value) for state in totals.by_state)
    counts = [f"  {state.value:<{width}}  {count:>7}" for state, count in totals.by_state.items()]
    queue = totals.queue
    model = escape(totals.model or "none yet")
    index = f"{escape(totals.version)} with {totals.in_version} tracks" if totals.version else "not built yet"
    return "\n".join(
        [
            "tracks",
            *counts,
            f"  {'':-<{width + 9}}",
            f"  {'total':<{width}}  {totals.total:>7}",
            f"queue         {queue.visible} waiting, {queue.in_flight} in progress, {queue.delayed} delayed",
            f"dead letters  {totals.dead_letters}",
            f"model         {model}",
            f"index         {index}, {totals.tail} newer",
            f"requests      {_format_backlog(status.requests)}",
            f"running       {', '.join(name for name, runs in status.programs.items() if runs) or 'nothing'}",
            *(f"not running   {name} (see its log)" for name, runs in status.programs.items() if not runs),
        ]
    )


def as_json(status: Status) -> dict[str, object]:
    """Return the status as a JSON object."""
    totals, requests = status.overview, status.requests
    return {
        **asdict(totals),
        "by_state": {state.value: count for state, count in totals.by_state.items()},
        "requests": {"due": requests.due, "next_due": requests.next_due and requests.next_due.isoformat()},
        "programs": dict(status.programs),
    }


def _format_backlog(requests: RequestBacklog) -> str:
    if requests.due:
        return f"{requests.due} due"
    if requests.next_due is not None:
        return f"none due, next attempt at {requests.next_due.astimezone():%Y-%m-%d %H:%M}"
    return "none"
