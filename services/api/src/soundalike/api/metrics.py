"""Metrics for Prometheus: requests, the index, and the tracks of the catalogue by state."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from soundalike.api.errors import SnapshotUnavailable
from soundalike.db import overview
from soundalike.domain.text import escape
from soundalike.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from soundalike.api.multiprocess_metrics import MultiprocessMetrics
    from soundalike.api.platform_connection import PlatformConnection
    from soundalike.db.overview import TrackCounts

# Each series would come with one more that tells when it began.
disable_created_metrics()  # type: ignore[no-untyped-call]

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

# In seconds. 10 ms and 60 ms are what most answers are meant to take at most, alone and among 32 callers.
_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_CENSUS_S: Final = 15.0


class RequestMetrics:
    """How many requests came, what they were answered, and how long that took.

    Every label has few values: route templates rather than addresses, methods by name only where HTTP has them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._durations = Histogram(
            "soundalike_request_duration_seconds",
            "Time from the head of a request to the end of its response",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._responses = Counter(
            "soundalike_requests",
            "Requests by the status of their response",
            ["method", "route", "status"],
            registry=registry,
        )
        self.in_progress = Gauge(
            "soundalike_requests_in_progress",
            "Requests in progress",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        method = method if method in _METHODS else "other"
        self._durations.labels(method, route).observe(seconds)
        self._responses.labels(method, route, str(status)).inc()


@dataclass(slots=True, eq=False)
class PlatformMetrics(Collector):
    """The index and the tracks by state, looked up at every request for metrics.

    They are no `Gauge`s: each of several processes knows all of it, so each returns its own values.
    """

    _index: tuple[GaugeMetricFamily, ...] = ()
    _tracks: tuple[GaugeMetricFamily, ...] = ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the latest values."""
        return (*self._index, *self._tracks)

    def update_index(self, platform: PlatformConnection) -> None:
        """Take the values of the current snapshot."""
        try:
            snapshot = platform.snapshot()
        except SnapshotUnavailable:
            snapshot = None
        version = _gauge("index_info", "Always 1: the model and version in use", "model", "version")
        if snapshot is not None:
            version.add_metric([escape(snapshot.model.model), escape(snapshot.version_name or "")], 1)
        self._index = (
            _gauge("index_loaded", "1 if an index is loaded", value=int(snapshot is not None)),
            _gauge("index_tracks", "Tracks in the index version", value=snapshot.indexed if snapshot else 0),
            _gauge(
                "index_tail_tracks",
                "Tracks newer than the index version, searched exactly",
                value=len(snapshot.tail) if snapshot else 0,
            ),
            version,
        )

    def update_census(self, census: TrackCounts | None) -> None:
        """Take the counts of the tracks by state; None where the database is unavailable."""
        states = _gauge("tracks", "Tracks of the catalogue by state", "state")
        for state, count in census.by_state.items() if census else ():
            states.add_metric([state.value], count)
        self._tracks = (
            _gauge("database_up", "1 if the database answers", value=int(census is not None)),
            states,
            _gauge(
                "queue_oldest_seconds",
                "Age of the longest waiting track in the queue",
                value=census.oldest_queued_s or 0 if census else math.nan,
            ),
        )


@dataclass(slots=True)
class Metrics:
    """All of it, as text. What has to be counted in the database is counted at most every `_CENSUS_S` seconds.

    Where `multiprocess` is given, requests and processes are those of all workers, whichever of them answers.
    """

    multiprocess: MultiprocessMetrics | None = None
    clock: Callable[[], float] = time.monotonic
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: RequestMetrics = field(init=False)
    _platform_metrics: PlatformMetrics = field(init=False)
    _census_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _census_at: float | None = None

    def __post_init__(self) -> None:
        self._platform_metrics = PlatformMetrics()
        # What is counted together goes to files, which another collector reads.
        self.requests = RequestMetrics(CollectorRegistry() if self.multiprocess else self.registry)
        self.registry.register(self._platform_metrics)
        if self.multiprocess:
            self.multiprocess.add_to(self.registry)
        else:
            ProcessCollector(registry=self.registry)

    async def exposition(self, platform: PlatformConnection) -> bytes:
        """Return everything in Prometheus's text format; without a database its part is left out."""
        self._platform_metrics.update_index(platform)
        # Two scrapers at once cause one count.
        async with self._census_lock:
            if self._census_at is None or self.clock() - self._census_at >= _CENSUS_S:
                self._platform_metrics.update_census(await _census(platform))
                self._census_at = self.clock()
        return await asyncio.to_thread(generate_latest, self.registry)


def _gauge(name: str, text: str, *labels: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"soundalike_{name}", text, value, labels or None)


async def _census(platform: PlatformConnection) -> TrackCounts | None:
    try:
        async with platform.database() as db:
            return await overview.track_counts(db)
    except DatabaseUnavailable:
        return None
