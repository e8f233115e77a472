"""What Prometheus reads from the API."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from soundalike.api.app import create_app
from soundalike.api.metrics import Metrics
from soundalike.api.settings import MetricsAccess
from soundalike.db import database, tracks
from soundalike.db.overview import track_counts
from soundalike.db.tracks import State, Track
from soundalike.testing.wait import eventually

from .conftest import Platform, index_of, is_ready, serving, track_id, urn

if TYPE_CHECKING:
    import httpx

    from soundalike.api.settings import ApiSettings
    from soundalike.db.database import Pool


def read(text: str) -> dict[tuple[str, frozenset[str]], float]:
    return {
        (sample.name, frozenset(f"{name}={value}" for name, value in sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def metrics(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[str]], float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return read(answer.text)


def named(name: str, *labels: str) -> tuple[str, frozenset[str]]:
    return (f"soundalike_{name}", frozenset(labels))


async def test_they_tell_of_requests_of_the_space_and_of_the_tracks(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    for number in range(3):
        await platform.add(number)
    version = await platform.publish()
    await platform.add(3)
    await tracks.upsert(platform.pool, Track(track_id(4), "Waits"))
    await tracks.mark_queued(platform.pool, track_id(4), provider="folder", method="file")
    await platform.pool.execute("UPDATE tracks SET updated_at = now() - interval '1 hour' WHERE urn = $1", urn(4))

    async def follows() -> Any:
        index = await index_of(client)
        return index.get("version") == version.version and index.get("tail") == 1

    await eventually(follows)
    assert (await client.get("/recommend", params={"track": urn(0)})).status_code == 200
    results = await metrics(client)
    assert results[named("index_tracks")] == 3
    assert results[named("index_tail_tracks")] == 1
    assert results[named("index_loaded")] == results[named("database_up")] == 1
    assert results[named("index_info", f"model={platform.model.model}", f"version={version.version}")] == 1
    assert {state: results[named("tracks", f"state={state}")] for state in State} == {
        **dict.fromkeys(State, 0),
        State.READY: 4,
        State.QUEUED: 1,
    }
    assert results[named("queue_oldest_seconds")] == pytest.approx(3_600, abs=300)
    labels = ("method=GET", "route=/recommend")
    assert results[named("requests_total", *labels, "status=200")] == 1
    assert results[named("request_duration_seconds_count", *labels)] == 1
    assert results[named("request_duration_seconds_bucket", *labels, "le=+Inf")] == 1


async def test_without_a_database_the_other_metrics_are_shown(settings: ApiSettings, platform: Platform) -> None:
    away = settings.model_copy(
        update={"database_url": settings.database_url.__class__("postgresql://nobody:here@127.0.0.1:1/nothing")}
    )
    async with serving(create_app(away, platform.store)) as client:
        results = await metrics(client)
    assert results[named("database_up")] == results[named("index_loaded")] == 0
    assert math.isnan(results[named("queue_oldest_seconds")])
    assert not [name for name, _ in results if name == "soundalike_tracks"]


async def test_metrics_can_be_turned_off(settings: ApiSettings, platform: Platform) -> None:
    off = settings.model_copy(update={"api_metrics": MetricsAccess.OFF})
    async with serving(create_app(off, platform.store)) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_scraping_often_counts_the_catalogue_seldom(pool: Pool, database_url: str) -> None:
    counted = []
    times = iter((0.0, 1.0, 14.9, 15.0, 16.0))
    now = 0.0

    class Reachable:
        """What the metrics ask of `PlatformConnection`."""

        def database(self) -> Any:
            counted.append(now)
            return database.connect(database_url, size=1)

        def snapshot(self) -> Any:
            from soundalike.api.errors import SnapshotUnavailable

            raise SnapshotUnavailable("nothing")

    metrics = Metrics(clock=lambda: now)
    while (now := next(times, -1.0)) >= 0:
        await metrics.exposition(Reachable())  # type: ignore[arg-type]
    assert counted == [0.0, 15.0]


async def test_an_empty_catalogue_is_counted_too(pool: Pool) -> None:
    results = await track_counts(pool)
    assert results.by_state == dict.fromkeys(State, 0)
    assert results.oldest_queued_s is None


async def test_the_specification_does_not_promise_them(client: httpx.AsyncClient) -> None:
    await eventually(lambda: is_ready(client))
    assert "/metrics" not in (await client.get("/openapi.json")).json()["paths"]
