from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.audio.errors import Undecodable
from soundalike.db import database, models
from soundalike.db.models import EmbeddingModel
from soundalike.domain.tags import TAG_SLUGS
from soundalike.domain.track_id import TrackId
from soundalike.extractor.embedder import PreviewEmbedding
from soundalike.extractor.preview_pipeline import PreviewPipeline
from soundalike.extractor.worker import Worker
from soundalike.storage.message_queue import MemoryQueue
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from soundalike.db.database import Pool

MODEL = EmbeddingModel("test-model", 160, mean_tag_probabilities=(0.02,) * 50)
TRACK = TrackId("deezer", "1")
KEY = "previews/deezer/1.mp3"


@dataclass
class FakeEmbedder:
    """Returns a constant per content, or the next of `failures`.

    Refuses content that begins with `broken`, or with `beginning` where that is not accepted.
    """

    embedded: list[bytes] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    @property
    def model_id(self) -> str:
        return MODEL.model

    async def embed(self, data: bytes, *, accepts_beginning: bool = False) -> PreviewEmbedding:
        if self.failures:
            raise self.failures.pop(0)
        if data.startswith(b"broken") or (data.startswith(b"beginning") and not accepts_beginning):
            raise Undecodable("this is not audio")
        self.embedded.append(data)
        tags = np.full(50, 0.01, dtype=np.float32)
        tags[TAG_SLUGS.index("jazz")] = 0.9
        return PreviewEmbedding(np.full(160, len(data), dtype=np.float32), hashlib.sha256(data).hexdigest(), 29.0, tags)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bench:
    """A worker with everything around it, most of it in memory."""

    pool: Pool
    store: MemoryStore
    queue: MemoryQueue
    dead_letters: MemoryQueue
    embedder: FakeEmbedder
    worker: Worker
    clock: Clock


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with database.connect(database_url) as opened:
        async with opened.acquire() as connection:
            await models.register(connection, MODEL)
        yield opened


@pytest.fixture
def bench(pool: Pool) -> Bench:
    clock = Clock()
    store, embedder = MemoryStore(), FakeEmbedder()
    queue = MemoryQueue(clock=clock)
    pipeline = PreviewPipeline(pool=pool, store=store, embedder=embedder, max_bytes=1000)
    worker = Worker(
        queue=queue, pipeline=pipeline, concurrency=2, visibility_s=120, max_receives=queue.max_receives, poll_wait_s=0
    )
    return Bench(pool, store, queue, MemoryQueue(clock=clock, max_receives=10**6), embedder, worker, clock)


@pytest.fixture
def message_of() -> Callable[..., str]:
    import json

    def compose(*keys: str, sequencer: str | None = None, bucket: str | None = None) -> str:
        records = []
        for key in keys:
            object_ = {"key": key} | ({"sequencer": sequencer} if sequencer else {})
            s3: dict[str, object] = {"object": object_} | ({"bucket": {"name": bucket}} if bucket else {})
            records.append({"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": s3})
        return json.dumps({"Records": records})

    return compose
