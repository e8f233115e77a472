"""The JSON of the status: what the platform holds and does right now."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from soundalike.api.schemas.crawls import Crawl
from soundalike.api.schemas.tracks import EXAMPLE_URN
from soundalike.db.analyses import Analysis
from soundalike.db.dead_letters import DeadLetter
from soundalike.db.index_versions import IndexVersionRecord
from soundalike.db.locations import LibraryCounts
from soundalike.db.platform_status import AnalysisStatus, PlatformStatus
from soundalike.db.tracks import State
from soundalike.domain.file_paths import display_path
from soundalike.domain.text import clean, clean_or_none


class AnalysedTrack(BaseModel):
    """A track by its names."""

    urn: Annotated[str, Field(examples=[EXAMPLE_URN])]
    title: Annotated[str, Field(examples=["Harder, Better, Faster, Stronger"])]
    artists: Annotated[list[str], Field(examples=[["Daft Punk"]])]


class ActiveAnalysis(AnalysedTrack):
    """A track that is being analysed."""

    since: datetime


class RecentAnalysis(AnalysedTrack):
    """A track that was analysed."""

    at: datetime


class AnalysisInfo(BaseModel):
    """What the extractors do."""

    active: Annotated[list[ActiveAnalysis], Field(description="What is analysed right now, longest first")]
    recent: Annotated[list[RecentAnalysis], Field(description="What was analysed last, newest first")]
    waiting: Annotated[int, Field(ge=0, description="How many tracks wait for their analysis", examples=[12])]
    per_minute: Annotated[
        float | None,
        Field(description="How many a minute since the first of the last minute; null where that tells too little"),
    ]
    remaining_s: Annotated[
        float | None, Field(description="How long the waiting ones will take at this rate; null where nothing tells")
    ]

    @classmethod
    def of(cls, analysis: AnalysisStatus) -> Self:
        """Describe the analysis; numbers are as exact as an estimate deserves."""
        rate, remaining = analysis.throughput.per_minute, analysis.remaining_s
        return cls(
            active=[ActiveAnalysis(since=each.at, **_names(each)) for each in analysis.active],
            recent=[RecentAnalysis(at=each.at, **_names(each)) for each in analysis.recent],
            waiting=analysis.waiting,
            per_minute=None if rate is None else round(rate, 1),
            remaining_s=None if remaining is None else round(remaining),
        )


class QueueInfo(BaseModel):
    """Messages of the queue; its service counts approximately."""

    visible: Annotated[int, Field(ge=0)]
    in_flight: Annotated[int, Field(ge=0)]
    delayed: Annotated[int, Field(ge=0)]


class IndexStatus(BaseModel):
    """The published version of the index, and how many tracks are newer."""

    version: Annotated[str, Field(examples=["20261121T060000Z"])]
    built_at: datetime | None
    age_s: Annotated[int | None, Field(ge=0, description="Its age in seconds")]
    recall: Annotated[float, Field(description="The share of the ten nearest that it finds, as measured when built")]
    tracks: Annotated[int, Field(ge=0)]
    tail: Annotated[int, Field(ge=0, description="Newer tracks, which are compared exactly meanwhile")]

    @classmethod
    def of(cls, index: IndexVersionRecord, tail: int) -> Self:
        """Describe a version."""
        built_at = index.created_at
        return cls(
            version=index.version,
            built_at=built_at,
            age_s=None if built_at is None else max(0, round((datetime.now(UTC) - built_at).total_seconds())),
            recall=round(index.recall_at_10, 4),
            tracks=index.tracks,
            tail=tail,
        )


class ModelInfo(BaseModel):
    """A model that an extractor has had."""

    model: str
    dimensions: int
    current: bool
    registered_at: datetime


class RequestsInfo(BaseModel):
    """Tracks that people requested."""

    due: Annotated[int, Field(ge=0, description="How many are to be fetched now")]
    next_due: Annotated[datetime | None, Field(description="When the next was or will be due")]


class LibraryInfo(BaseModel):
    """A folder of music files that was scanned."""

    id: int
    root: Annotated[str | None, Field(description="Its path; null for who may not see paths", examples=["/srv/music"])]
    watched: Annotated[bool, Field(description="Whether it is scanned whenever something changes in it")]
    files: Annotated[int, Field(ge=0, description="Its files with music, counted twice a minute")]
    scanned_at: Annotated[datetime | None, Field(description="The end of the last complete scan")]


class LossInfo(BaseModel):
    """Something that was lost outside the database."""

    kind: str
    name: str
    count: int
    noticed_at: datetime | None


class Status(BaseModel):
    """What the platform holds and does right now; the values of `by_state` sum to `total`."""

    total: Annotated[int, Field(ge=0)]
    by_state: dict[State, int]
    analysis: AnalysisInfo
    queue: Annotated[QueueInfo | None, Field(description="null while it does not answer")]
    dead_letters: Annotated[int | None, Field(description="Messages that were given up; null as for the queue")]
    index: Annotated[IndexStatus | None, Field(description="null before the first version")]
    models: list[ModelInfo]
    requests: RequestsInfo
    libraries: list[LibraryInfo]
    crawls: Annotated[list[Crawl], Field(description="The newest twenty that were started over HTTP")]
    has_watcher: Annotated[
        bool, Field(description="Whether a crawler watches: without one no crawl starts and no request is fetched")
    ]
    losses: Annotated[list[LossInfo], Field(description="What was lost during the last day, oldest first")]
    missing: Annotated[dict[str, str], Field(description="What is missing, as in `GET /readyz`")]

    @classmethod
    def of(cls, platform: PlatformStatus, files: Mapping[int, LibraryCounts], missing: Mapping[str, str]) -> Self:
        """Describe the platform, paths included; `files` counts those of each library."""
        totals = platform.overview
        queue = totals.queue
        return cls(
            total=totals.total,
            by_state=dict(totals.by_state),
            analysis=AnalysisInfo.of(platform.analysis),
            queue=None
            if queue is None
            else QueueInfo(visible=queue.visible, in_flight=queue.in_flight, delayed=queue.delayed),
            dead_letters=totals.dead_letters,
            index=None if platform.index is None else IndexStatus.of(platform.index, totals.tail),
            models=[
                ModelInfo(
                    model=clean(each.model),
                    dimensions=each.dimensions,
                    current=each.current,
                    registered_at=each.registered_at,
                )
                for each in platform.models
            ],
            requests=RequestsInfo(due=platform.requests.due, next_due=platform.requests.next_due),
            libraries=[
                LibraryInfo(
                    id=library.id,
                    root=clean(display_path(library.root)),
                    watched=library.watched,
                    files=files.get(library.id, LibraryCounts()).files,
                    scanned_at=library.scanned_at,
                )
                for library in platform.libraries
            ],
            crawls=[Crawl.of(crawl) for crawl in platform.crawls],
            has_watcher=platform.has_watcher,
            losses=[
                LossInfo(kind=each.kind, name=clean(each.name), count=each.count, noticed_at=each.noticed_at)
                for each in platform.losses
            ],
            missing=dict(missing),
        )

    def without_paths(self) -> Self:
        """Return it for somebody who may not see where files lie."""
        return self.model_copy(
            update={
                "libraries": [library.model_copy(update={"root": None}) for library in self.libraries],
                "crawls": [crawl.without_paths() for crawl in self.crawls],
            }
        )


class StatusLink(BaseModel):
    """An address of the events for whoever cannot send a header with it, such as a browser's EventSource."""

    url: Annotated[str, Field(description="Relative to the API's own address", examples=["status/events?expires=…"])]
    expires_at: datetime


class DeadLetterInfo(BaseModel):
    """A message that was given up."""

    id: Annotated[str, Field(examples=["0b9ffb4c-6f1c-4f1f-9d6f-3d0c1b7c7e0a"])]
    urn: Annotated[
        str | None, Field(description="The track that it is about, if it is about one", examples=[EXAMPLE_URN])
    ]
    title: str | None
    reason: Annotated[str, Field(examples=["the decoder crashed (signal 11)"])]
    received_at: Annotated[datetime | None, Field(description="When it was given up")]
    attempts: Annotated[int | None, Field(description="How often it was tried; null where nobody could count")]

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """Describe a dead letter."""
        return cls(
            id=letter.id,
            urn=letter.urn,
            title=clean_or_none(letter.title),
            reason=clean(letter.reason),
            received_at=letter.received_at,
            attempts=letter.attempts,
        )


class DeadLetters(BaseModel):
    """The dead letters."""

    total: Annotated[int, Field(ge=0)]
    letters: Annotated[list[DeadLetterInfo], Field(description="The newest first")]


class RetryResult(BaseModel):
    """What a retry did."""

    retried: Annotated[int, Field(ge=0, description="How many were sent back to the queue")]


def _names(analysis: Analysis) -> dict[str, Any]:
    return {"urn": analysis.urn, "title": clean(analysis.title), "artists": [clean(name) for name in analysis.artists]}
