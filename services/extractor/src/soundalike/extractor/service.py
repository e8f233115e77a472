"""The extractor as a service: composition, start, regular sweeps and stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from soundalike.db import database, models
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.models import EmbeddingModel
from soundalike.errors import SoundalikeError
from soundalike.extractor.preview_pipeline import PreviewPipeline
from soundalike.extractor.sweep import redrive, sweep
from soundalike.extractor.worker import TRANSIENT_FAILURES, Worker
from soundalike.settings import EX_CONFIG
from soundalike.storage.message_queue import SqsQueue
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.db.database import Pool
    from soundalike.extractor.embedder import EmbedderPool
    from soundalike.extractor.settings import ExtractorSettings
    from soundalike.storage.message_queue import MessageQueue

log = logging.getLogger(__name__)


class Superseded(SoundalikeError):
    """Another model is the current one now; embeddings of this extractor would not be used."""


async def serve(settings: ExtractorSettings, embedder: EmbedderPool) -> None:
    """Embed previews until SIGTERM or SIGINT; raises `Superseded` when another model takes over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with database.connect(settings.database_url.get_secret_value(), size=settings.concurrency + 3) as pool:
        ours = EmbeddingModel(
            embedder.model_id, embedder.dimensions, mean_tag_probabilities=embedder.mean_tag_probabilities
        )
        async with pool.acquire() as connection:
            await models.register(connection, ours)
        queue = await SqsQueue.connect(settings)
        store = S3Store.connect(settings)
        worker = Worker(
            queue=queue,
            pipeline=PreviewPipeline(pool=pool, store=store, embedder=embedder, max_bytes=settings.preview_max_bytes),
            concurrency=settings.concurrency,
            visibility_s=settings.queue_visibility_s,
            max_receives=settings.queue_max_receives,
            poll_wait_s=settings.poll_wait_s,
            heartbeat_file=settings.heartbeat_file,
        )
        dead_letters = await SqsQueue.connect(settings, dead_letters=True)
        log.info("waiting for previews, model %s", ours.model)
        async with _sweep_task(pool, store, queue, dead_letters, interval_s=settings.sweep_interval_s) as sweeps:
            watch = asyncio.create_task(_watch_current_model(pool, ours, interval_s=settings.sweep_interval_s))
            watch.add_done_callback(lambda _: stop.set())
            sweeps.add_done_callback(lambda _: stop.set())
            await worker.run(stop)
            watch.cancel()
            for outcome in await asyncio.gather(watch, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome
        log.info("stopped: %s", dict(worker.outcomes))


async def redrive_dead_letters(settings: ExtractorSettings) -> int:
    """Send every dead letter back to the queue; returns how many."""
    return await redrive(await SqsQueue.connect(settings), await SqsQueue.connect(settings, dead_letters=True))


@asynccontextmanager
async def _sweep_task(
    pool: Pool, store: S3Store, queue: MessageQueue, dead_letters: MessageQueue, *, interval_s: float
) -> AsyncIterator[asyncio.Task[None]]:
    async def sweep_forever() -> None:
        while True:
            try:
                await sweep(pool, store, queue, dead_letters)
            except TRANSIENT_FAILURES as error:
                log.warning("the sweep is postponed: %s", error)
            await asyncio.sleep(interval_s)

    task = asyncio.create_task(sweep_forever())
    try:
        yield task
    finally:
        task.cancel()
        for outcome in await asyncio.gather(task, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("the sweep failed", exc_info=outcome)


async def _watch_current_model(pool: Pool, ours: EmbeddingModel, *, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        try:
            current = await models.current(pool)
        except CONNECTION_FAILURES as error:
            log.warning("could not read the current model: %s", error)
            continue
        if current is not None and current.model != ours.model:
            raise Superseded(f"{current.model} has replaced {ours.model} as the current model; this extractor stops")


def exit_status(error: SoundalikeError) -> int:
    """Return 78 for what only another setting can fix, so that no supervisor restarts it, else 1."""
    return EX_CONFIG if isinstance(error, Superseded) else 1
