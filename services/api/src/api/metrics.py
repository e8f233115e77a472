"""What Prometheus reads: how requests go, what is searched, and how far the tracks have come."""

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
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.errors import DatabaseAway, NotLoaded
from catalog import overview

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.live import Live
    from catalog.overview import Census

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
        self._seconds = Histogram(
            "soundalike_request_duration_seconds",
            "From the head of a request to the end of its answer",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._answered = Counter(
            "soundalike_requests",
            "Requests by the status of their answer",
            ["method", "route", "status"],
            registry=registry,
        )
        self.in_progress = Gauge("soundalike_requests_in_progress", "Requests not answered yet", registry=registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        method = method if method in _METHODS else "other"
        self._seconds.labels(method, route).observe(seconds)
        self._answered.labels(method, route, str(status)).inc()


class PlatformMetrics:
    """What is searched, and where the tracks stand; gauges that are set whenever somebody reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._loaded = _gauge("index_loaded", "1 where there is something to answer from", registry)
        self._indexed = _gauge("index_tracks", "Tracks in the index version", registry)
        self._tail = _gauge("index_tail_tracks", "Tracks newer than it, searched exactly", registry)
        self._version = _gauge(
            "index_info", "Always 1: the model and version answered from", registry, "model", "version"
        )
        self._database = _gauge("database_up", "1 where the database answered", registry)
        self._states = _gauge("tracks", "Tracks of the catalogue by state", registry, "state")
        self._waiting = _gauge(
            "queue_oldest_seconds", "How long nothing was heard of the queued track that waits longest", registry
        )

    def show_space(self, live: Live) -> None:
        """Describe what requests are answered from."""
        self._version.clear()
        try:
            snapshot = live.snapshot()
        except NotLoaded:
            self._loaded.set(0)
            return
        self._loaded.set(1)
        self._indexed.set(snapshot.indexed)
        self._tail.set(len(snapshot.tail))
        self._version.labels(snapshot.model.model, snapshot.version_name or "").set(1)

    def show_census(self, census: Census | None) -> None:
        """Describe where the tracks stand; None where the database is away."""
        self._database.set(census is not None)
        self._states.clear()
        if census is not None:
            for state, count in census.by_state.items():
                self._states.labels(state.value).set(count)
        self._waiting.set(math.nan if census is None else census.oldest_queued_s or 0)


@dataclass(slots=True)
class Metrics:
    """All of it, as text. What has to be counted in the database is counted at most every `_CENSUS_S` seconds."""

    clock: Callable[[], float] = time.monotonic
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: RequestMetrics = field(init=False)
    _platform: PlatformMetrics = field(init=False)
    _counting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _counted_at: float | None = None

    def __post_init__(self) -> None:
        self.requests = RequestMetrics(self.registry)
        self._platform = PlatformMetrics(self.registry)
        ProcessCollector(registry=self.registry)

    async def exposition(self, live: Live) -> bytes:
        """Return everything in Prometheus's text format; what a database that is away cannot tell is left out."""
        self._platform.show_space(live)
        # Two scrapers at once cause one count.
        async with self._counting:
            if self._counted_at is None or self.clock() - self._counted_at >= _CENSUS_S:
                self._platform.show_census(await _census(live))
                self._counted_at = self.clock()
        return await asyncio.to_thread(generate_latest, self.registry)


def _gauge(name: str, text: str, registry: CollectorRegistry, *labels: str) -> Gauge:
    return Gauge(f"soundalike_{name}", text, labels, registry=registry)


async def _census(live: Live) -> Census | None:
    try:
        async with live.database() as db:
            return await overview.census(db)
    except DatabaseAway:
        return None
