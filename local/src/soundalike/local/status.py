"""The status of the platform, for people and for programs."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Final

import asyncpg

from soundalike.db import database, dead_letters, index_versions, platform_status, taste_versions
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.overview import Overview
from soundalike.domain.text import escape
from soundalike.errors import QueueUnavailable, StoreUnavailable
from soundalike.local.analysis import time_left
from soundalike.local.pidfile import Pidfile
from soundalike.local.running_platform import find
from soundalike.provisioning.inspection import Inspector
from soundalike.provisioning.resources import ProvisioningSettings
from soundalike.settings import load
from soundalike.similarity.index.manifest import Manifest
from soundalike.similarity.taste.manifest import TasteManifest
from soundalike.storage.artifacts.errors import ArtifactError
from soundalike.storage.message_queue import SqsQueue
from soundalike.storage.object_store import S3Store
from soundalike.storage.stored_version import StoredVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soundalike.db.database import Pool
    from soundalike.db.dead_letters import DeadLetter
    from soundalike.db.losses import Loss
    from soundalike.db.platform_status import AnalysisStatus, PlatformStatus, RequestBacklog
    from soundalike.local.data_directory import DataDirectory
    from soundalike.local.running_platform import RunningPlatform
    from soundalike.settings import QueueSettings, StoreSettings

_DATABASE_FAILURES: Final[tuple[type[Exception], ...]] = (asyncpg.PostgresError, *CONNECTION_FAILURES)
_MAX_LOSSES: Final = 10
_MAX_LETTERS: Final = 10
_MAX_NAMES: Final = 3
_LOSSES: Final = {
    "bucket": "the bucket {name}; created again",
    "queue": "the queue {name}; created again",
    "dead_letter_queue": "the dead-letter queue {name}; created again",
    "notification": "the notifications of the bucket {name}; created again",
    "previews": "{count} previews that waited; the next crawl fetches them again, requested ones sooner",
    "index_version": "files of index version {name}; the indexer builds it again",
    "taste_version": "files of taste version {name}; the indexer builds it again",
}


@dataclass(frozen=True, slots=True)
class DatabaseContent:
    """What only the database knows; `letters` are some of the dead letters, the newest first."""

    platform: PlatformStatus
    letters: Sequence[DeadLetter] = ()

    @property
    def overview(self) -> Overview:
        """The counts."""
        return self.platform.overview


@dataclass(frozen=True, slots=True)
class Status:
    """What the platform holds, which programs run, by name, and what is missing, with a clause about each.

    `content` is None while the database does not answer.
    """

    content: DatabaseContent | None
    programs: Mapping[str, bool]
    missing: Mapping[str, str] = field(default_factory=dict)


async def read_status(data: DataDirectory) -> Status:
    """Query database, queues and system for the platform on a folder; raises `NotRunning`."""
    return await prepare_reader(data).read()


@dataclass(slots=True)
class StatusReader:
    """Reads the status of a platform as often as somebody wants."""

    data: DataDirectory
    platform: RunningPlatform
    settings: ProvisioningSettings

    async def read(self) -> Status:
        """Query database, queues and system."""
        missing = dict(await asyncio.to_thread(Inspector(self.settings).problems))
        try:
            async with database.connect(self.settings.database_url.get_secret_value(), size=1) as pool:
                content = await _read_database(pool, self.settings, missing)
                if "store" not in missing:
                    missing |= await _damaged_versions(pool, self.settings, content.overview)
        except _DATABASE_FAILURES:
            content = None
            missing["database"] = "the database does not answer"
        running = Pidfile(self.data.pidfile).running_names()
        return Status(content, {name: name in running for name in self.platform.programs}, missing)


def prepare_reader(data: DataDirectory) -> StatusReader:
    """Return the reader of the platform that runs on a folder; raises `NotRunning`."""
    platform = find(data)
    # boto3 and the settings read the environment of this process, which runs this one command only.
    environment = platform.child_environment(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    return StatusReader(data, platform, load(ProvisioningSettings))


async def _read_database(pool: Pool, settings: QueueSettings, missing: Mapping[str, str]) -> DatabaseContent:
    queue = dead_letter_queue = None
    if not missing.keys() & {"store", "queue", "dead_letter_queue"}:
        with suppress(QueueUnavailable):
            queue = await SqsQueue.connect(settings)
            dead_letter_queue = await SqsQueue.connect(settings, dead_letters=True)
    return DatabaseContent(
        await platform_status.read(pool, queue, dead_letter_queue),
        await dead_letters.newest(pool, limit=_MAX_LETTERS),
    )


async def _damaged_versions(pool: Pool, settings: StoreSettings, totals: Overview) -> dict[str, str]:
    """Return what is wrong with the files of the published versions, as far as the object store answers."""
    index = await index_versions.get_published(pool, totals.model) if totals.model else None
    taste = await taste_versions.get_published(pool)
    store = S3Store.connect(settings)
    damaged = {}
    for name, published, kind in (("index", index, Manifest), ("taste", taste, TasteManifest)):
        if published is None:
            continue
        try:
            await StoredVersion(store, published.location, kind, published.manifest_sha256).check_sizes()
        except ArtifactError as error:
            damaged[name] = f"{name} version {published.version} is damaged: {error}"
        except StoreUnavailable:
            continue
    return damaged


def render(status: Status) -> str:
    """Return the status as a small table; the counts above the line add up to the total below it."""
    return "\n".join(
        [
            *(f"missing       {escape(clause)}" for clause in status.missing.values()),
            *(_content_lines(status.content) if status.content else ()),
            f"running       {', '.join(name for name, runs in status.programs.items() if runs) or 'nothing'}",
            *(f"not running   {name} (see its log)" for name, runs in status.programs.items() if not runs),
        ]
    )


def summary_line(status: Status) -> str:
    """Return the most important of it in one line."""
    if status.content is None:
        return "; ".join(escape(clause) for clause in status.missing.values())
    totals = status.content.overview
    counts = ", ".join(f"{count} {state.value}" for state, count in totals.by_state.items() if count)
    analysis = _format_analysis(status.content.platform.analysis)
    letters = f"dead letters: {totals.dead_letters}" if totals.dead_letters else None
    missing = ", ".join(status.missing.values())
    parts = (
        f"{totals.total} tracks" + (f" ({counts})" if counts else ""),
        f"analysis: {analysis}" if analysis else None,
        letters,
        escape(f"missing: {missing}") if missing else None,
    )
    return "; ".join(filter(None, parts))


def as_json(status: Status) -> dict[str, object]:
    """Return the status as a JSON object; what only the database knows is null while it does not answer."""
    content = status.content
    return {
        **({item.name: None for item in fields(Overview)} if content is None else asdict(content.overview)),
        "by_state": content and {state.value: count for state, count in content.overview.by_state.items()},
        "requests": content and _backlog_as_json(content.platform.requests),
        "analysis": content and _analysis_as_json(content.platform.analysis),
        "dead_letter_reasons": content and [_letter_as_json(letter) for letter in content.letters],
        "losses": content and [_loss_as_json(loss) for loss in content.platform.losses],
        "programs": dict(status.programs),
        "missing": dict(status.missing),
    }


def _content_lines(content: DatabaseContent) -> list[str]:
    totals = content.overview
    width = max(len(state.value) for state in totals.by_state)
    queue = totals.queue
    waiting = (
        f"{queue.visible} waiting, {queue.in_flight} in progress, {queue.delayed} delayed" if queue else "not available"
    )
    index = f"{escape(totals.version)} with {totals.in_version} tracks" if totals.version else "not built yet"
    return [
        *(f"lost          {_format_loss(loss)}" for loss in content.platform.losses[-_MAX_LOSSES:]),
        "tracks",
        *(f"  {state.value:<{width}}  {count:>7}" for state, count in totals.by_state.items()),
        f"  {'':-<{width + 9}}",
        f"  {'total':<{width}}  {totals.total:>7}",
        f"queue         {waiting}",
        *([f"analysis      {line}"] if (line := _format_analysis(content.platform.analysis)) else ()),
        f"dead letters  {'not available' if totals.dead_letters is None else totals.dead_letters}",
        *(f"              {_format_letter(letter)}" for letter in content.letters),
        f"model         {escape(totals.model or 'none yet')}",
        f"index         {index}, {totals.tail} newer",
        f"requests      {_format_backlog(content.platform.requests)}",
    ]


def _format_loss(loss: Loss) -> str:
    moment = f"{loss.noticed_at.astimezone():%Y-%m-%d %H:%M}" if loss.noticed_at else ""
    text = _LOSSES.get(loss.kind, "{kind} {name}").format(kind=loss.kind, name=loss.name, count=loss.count)
    return escape(f"{moment}  {text}")


def _loss_as_json(loss: Loss) -> dict[str, object]:
    return {**asdict(loss), "noticed_at": loss.noticed_at and loss.noticed_at.isoformat()}


def _format_analysis(analysis: AnalysisStatus) -> str:
    """Say what goes on, nothing where nothing does."""
    if not (analysis.waiting or analysis.active):
        return ""
    rate, left = analysis.throughput.per_minute, analysis.remaining_s
    names = ", ".join(each.title or each.urn for each in analysis.active[:_MAX_NAMES])
    parts = (
        f"{analysis.waiting} waiting",
        f"{max(1, round(rate))} a minute" if rate is not None else None,
        time_left(left) if analysis.waiting and left is not None else None,
        f"now {names}" if names else None,
    )
    return escape(", ".join(filter(None, parts)))


def _format_letter(letter: DeadLetter) -> str:
    return escape(f"{letter.title or letter.urn or 'a message about no track'}: {letter.reason}")


def _letter_as_json(letter: DeadLetter) -> dict[str, object]:
    return {**asdict(letter), "received_at": letter.received_at and letter.received_at.isoformat()}


def _analysis_as_json(analysis: AnalysisStatus) -> dict[str, object]:
    return {
        "active": [each.urn for each in analysis.active],
        "waiting": analysis.waiting,
        "per_minute": analysis.throughput.per_minute,
        "remaining_s": analysis.remaining_s,
    }


def _backlog_as_json(requests: RequestBacklog) -> dict[str, object]:
    return {"due": requests.due, "next_due": requests.next_due and requests.next_due.isoformat()}


def _format_backlog(requests: RequestBacklog) -> str:
    if requests.due:
        return f"{requests.due} due"
    if requests.next_due is not None:
        return f"none due, next attempt at {requests.next_due.astimezone():%Y-%m-%d %H:%M}"
    return "none"
