"""The extractor as a service: its parts put together, started, swept and stopped."""

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
from soundalike.extractor.preview_pipeline import Hearing
from soundalike.extractor.sweep import redrive, sweep
from soundalike.extractor.worker import MAY_PASS, Worker
from soundalike.settings import EX_CONFIG
from soundalike.storage.message_queue import SqsQueue
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.db.database import Pool
    from soundalike.extractor.embedder import ListeningPool
    from soundalike.extractor.settings import ExtractorSettings
    from soundalike.storage.message_queue import MessageQueue

log = logging.getLogger(__name__)


class Superseded(SoundalikeError):
    """Another extractor has made another model the current one; what this one hears would not be answered from."""


async def serve(settings: ExtractorSettings, listener: ListeningPool) -> None:
    """Hear previews until SIGTERM or SIGINT; raises `Superseded` when another model takes over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with database.connect(settings.database_url.get_secret_value(), size=settings.concurrency + 3) as pool:
        ours = EmbeddingModel(listener.model_id, listener.dimensions, mean_tag_probabilities=listener.usual_tags)
        async with pool.acquire() as connection:
            await models.register(connection, ours)
        queue = await SqsQueue.connect(settings)
        store = S3Store.connect(settings)
        worker = Worker(
            queue=queue,
            hearing=Hearing(pool=pool, store=store, listener=listener, max_bytes=settings.preview_max_bytes),
            concurrency=settings.concurrency,
            visibility_s=settings.queue_visibility_s,
            max_receives=settings.queue_max_receives,
            poll_wait_s=settings.poll_wait_s,
            heartbeat_file=settings.heartbeat_file,
        )
        dead_letters = await SqsQueue.connect(settings, dead_letters=True)
        log.info("listening with %s", ours.model)
        async with _sweeping(pool, store, queue, dead_letters, every_s=settings.sweep_interval_s) as swept:
            guard = asyncio.create_task(_stay_current(pool, ours, every_s=settings.sweep_interval_s))
            guard.add_done_callback(lambda _: stop.set())
            swept.add_done_callback(lambda _: stop.set())
            await worker.run(stop)
            guard.cancel()
            for ended in await asyncio.gather(guard, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        log.info("stopped: %s", dict(worker.outcomes))


async def send_back(settings: ExtractorSettings) -> int:
    """Send every dead letter back to the queue; returns how many."""
    return await redrive(await SqsQueue.connect(settings), await SqsQueue.connect(settings, dead_letters=True))


@asynccontextmanager
async def _sweeping(
    pool: Pool, store: S3Store, queue: MessageQueue, dead_letters: MessageQueue, *, every_s: float
) -> AsyncIterator[asyncio.Task[None]]:
    async def go_on() -> None:
        while True:
            try:
                await sweep(pool, store, queue, dead_letters)
            except MAY_PASS as error:
                log.warning("sweep put off: %s", error)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(go_on())
    try:
        yield task
    finally:
        task.cancel()
        for ended in await asyncio.gather(task, return_exceptions=True):
            if isinstance(ended, Exception):
                log.error("the sweep ended", exc_info=ended)


async def _stay_current(pool: Pool, ours: EmbeddingModel, *, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        try:
            now = await models.current(pool)
        except CONNECTION_FAILURES as error:
            log.warning("could not ask for the current model: %s", error)
            continue
        if now is not None and now.model != ours.model:
            raise Superseded(f"{now.model} has taken over from {ours.model}; this extractor stops")


def exit_status(error: SoundalikeError) -> int:
    """Return 78 for what only another setting can mend, so that no supervisor restarts into it, else 1."""
    return EX_CONFIG if isinstance(error, Superseded) else 1
