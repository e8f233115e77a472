from __future__ import annotations

import asyncio
import os
import shutil
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from soundalike.db import database, embeddings, index_versions, losses, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId
from soundalike.local.data_directory import DataDirectory
from soundalike.local.platform import SERVICES, Platform
from soundalike.local.ports import free_port
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from soundalike.db.database import Pool
    from soundalike.db.models import EmbeddingModel
    from soundalike.local.running_platform import RunningPlatform

TRACKS = 20
QUEUED = TrackId("deezer", "99")


@pytest.fixture
def data(private_folder: Path) -> DataDirectory:
    return DataDirectory.at(private_folder / "soundalike")


@pytest.fixture
def platform(data: DataDirectory) -> Platform:
    services = tuple(service for service in SERVICES if service.name != "watcher")
    return Platform(data, port=free_port(), services=services)


@pytest.fixture
async def running(platform: Platform) -> AsyncIterator[RunningPlatform]:
    async with platform.running() as running:
        yield running


@pytest.fixture
async def pool(running: RunningPlatform) -> AsyncIterator[Pool]:
    async with database.connect(running.environment["DATABASE_URL"]) as pool:
        yield pool


@pytest.fixture
async def api(running: RunningPlatform) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running.api_url, trust_env=False, timeout=scale(60)) as client:
        yield client


async def _add_tracks(pool: Pool, model: EmbeddingModel) -> None:
    async with pool.acquire() as connection:
        for number in range(1, TRACKS + 1):
            track = TrackId("deezer", str(number))
            await tracks.upsert(connection, Track(track, f"Title {number}", (f"Artist {number}",)))
            vector = np.random.default_rng(number).standard_normal(model.dimensions).astype(np.float32)
            await embeddings.save(connection, Embedding(track, model.model, vector, "k", None, "0", 29.0))


@pytest.mark.timeout(300)
async def test_an_emptied_store_is_filled_from_the_database_while_the_api_answers(
    data: DataDirectory, platform: Platform, pool: Pool, api: httpx.AsyncClient
) -> None:
    model = await eventually(lambda: models.current(pool), "the extractor")
    await _add_tracks(pool, model)

    async def version() -> str | None:
        index = (await api.get("/readyz")).json().get("index")
        return index and index["version"]

    before = await eventually(version, "the first version")
    await tracks.ensure(pool, QUEUED)
    await tracks.mark_queued(pool, QUEUED, provider="deezer", method="own")
    statuses: set[int] = set()

    async def ask_again_and_again() -> None:
        while True:
            answer = await api.get("/recommend", params={"track": "deezer:track:1"})
            statuses.add(answer.status_code if answer.json().get("results") else 0)

    asking = asyncio.create_task(ask_again_and_again())
    shutil.rmtree(data.aws)
    os.kill(platform.supervisor.pid("ministack"), signal.SIGKILL)

    async def other_version() -> bool:
        return await version() not in {None, before}

    await eventually(other_version, "the version that is built again")

    async def is_pending() -> bool:
        status = await tracks.status(pool, QUEUED)
        return status is not None and status.state is State.PENDING

    await eventually(is_pending, "the track whose preview was lost", limit_s=120)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert statuses == {200}
    kinds = {loss.kind for loss in await losses.recent(pool, timedelta(hours=1))}
    assert kinds == {"bucket", "queue", "dead_letter_queue", "notification", "previews", "index_version"}
    readiness = (await api.get("/readyz")).json()
    assert (readiness["status"], readiness["missing"]) == ("ready", {})
    published = await index_versions.get_published(pool, model.model)
    assert published is not None
    assert published.tracks == TRACKS
