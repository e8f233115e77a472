"""The extractor as a service: composition, start, regular sweeps and stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from soundalike.db import analyses, database, dead_letters, models
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.models import EmbeddingModel
from soundalike.errors import SoundalikeError
from soundalike.extractor.preview_pipeline import PreviewPipeline
from soundalike.extractor.sweep import sweep
from soundalike.extractor.worker import TRANSIENT_FAILURES, Worker
from soundalike.provisioning.upkeep import Upkeep
from soundalike.retry import RetryPolicy
from soundalike.settings import EX_CONFIG
from soundalike.storage.message_queue import SqsQueue
from soundalike.storage.object_store import S3Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from soundalike.db.database import Pool
    from soundalike.extractor.embedder import EmbedderPool
    from soundalike.extractor.settings import ExtractorSettings
    from soundalike.storage.message_queue import MessageQueue
    from soundalike.storage.object_store import ObjectStore

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
            await models.register(connection, ours, predecessor=embedder.predecessor_id)
        upkeep = Upkeep(pool, settings)
        await upkeep.check()
        queue = await SqsQueue.connect(settings)
        store = S3Store.connect(settings)
        pipeline = PreviewPipeline(pool=pool, store=store, embedder=embedder, max_bytes=settings.preview_max_bytes)
        worker = Worker(
            queue=queue,
            pipeline=pipeline,
            concurrency=settings.concurrency,
            visibility_s=settings.queue_visibility_s,
            max_receives=settings.queue_max_receives,
            poll_wait_s=settings.poll_wait_s,
            heartbeat_file=settings.heartbeat_file,
        )
        dead_letter_queue = await SqsQueue.connect(settings, dead_letters=True)
        log.info("waiting for previews, model %s", ours.model)
        sweeps = _Sweeps(pool, store, queue, dead_letter_queue, interval_s=settings.sweep_interval_s)
        async with (
            _background(sweeps.run(), "the sweep") as sweeping,
            _background(_extend_analyses(pipeline), "telling what is analysed"),
        ):
            watches = [
                asyncio.create_task(_watch_current_model(pool, ours, interval_s=settings.sweep_interval_s)),
                asyncio.create_task(upkeep.run(sweeps.request)),
            ]
            for task in (*watches, sweeping):
                task.add_done_callback(lambda _: stop.set())
            await worker.run(stop)
            for task in watches:
                task.cancel()
            for outcome in await asyncio.gather(*watches, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome
        log.info("stopped: %s", dict(worker.outcomes))


async def redrive_dead_letters(settings: ExtractorSettings) -> int:
    """Send every dead letter back to the queue; returns how many."""
    queue, dead_letter_queue = await SqsQueue.connect(settings), await SqsQueue.connect(settings, dead_letters=True)
    async with database.connect(settings.database_url.get_secret_value(), size=1, retry=RetryPolicy()) as pool:
        return await dead_letters.retry(pool, queue, dead_letter_queue)


class _Sweeps:
    """A sweep every `interval_s` seconds, and at once on request."""

    def __init__(
        self, pool: Pool, store: ObjectStore, queue: MessageQueue, dead_letter_queue: MessageQueue, *, interval_s: float
    ) -> None:
        self._sweep = partial(sweep, pool, store, queue, dead_letter_queue)
        self._interval_s = interval_s
        self._requested = asyncio.Event()

    def request(self) -> None:
        """Sweep as soon as the running sweep, if any, has ended."""
        self._requested.set()

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            self._requested.clear()
            try:
                await self._sweep()
            except TRANSIENT_FAILURES as error:
                log.warning("the sweep is postponed: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._requested.wait()


@asynccontextmanager
async def _background(work: Coroutine[None, None, None], name: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        for outcome in await asyncio.gather(task, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("%s failed", name, exc_info=outcome)


async def _extend_analyses(pipeline: PreviewPipeline) -> None:
    try:
        while True:
            with suppress(*CONNECTION_FAILURES):
                await analyses.extend(pipeline.pool, pipeline.worker)
            await asyncio.sleep(analyses.LEASE_S / 3)
    finally:
        with suppress(*CONNECTION_FAILURES):
            await analyses.end_all(pipeline.pool, pipeline.worker)


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
