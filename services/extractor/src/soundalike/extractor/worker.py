"""The extractor's loop: messages in, vectors out, nothing lost on the way."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from soundalike.audio.errors import TransientAudioError
from soundalike.db import dead_letters, tracks
from soundalike.db.database import CONNECTION_FAILURES
from soundalike.db.dead_letters import DeadLetter
from soundalike.errors import InvalidTrackId, QueueUnavailable, SoundalikeError, TransientError
from soundalike.extractor import s3_events
from soundalike.extractor.visibility_extender import extend_visibility
from soundalike.retry import Backoff
from soundalike.storage.object_keys import track_of_preview, upload_of

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.domain.track_id import TrackId
    from soundalike.extractor.preview_pipeline import PreviewPipeline
    from soundalike.extractor.s3_events import ObjectCreated
    from soundalike.storage.message_queue import Message, MessageQueue

log = logging.getLogger(__name__)

TRANSIENT_FAILURES: tuple[type[Exception], ...] = (TransientError, TransientAudioError, *CONNECTION_FAILURES)
"""Failures of the network, the queue, the store, the database or a decoder: a retry can succeed."""

RETRY_BACKOFF = Backoff(initial_s=5.0, max_s=600.0, jitter=0.5)
_RECEIVE_BACKOFF = Backoff(initial_s=2.0, max_s=2.0, jitter=0.5)
GIVEN_UP_REASON = "given up after {n} attempts, the message is in the dead-letter queue: {reason}"


@dataclass(slots=True)
class Worker:
    """Receives no more messages than it can start on, so that a crash delays as few as possible."""

    queue: MessageQueue
    pipeline: PreviewPipeline
    concurrency: int
    visibility_s: int
    max_receives: int
    poll_wait_s: int
    heartbeat_file: Path | None = None
    outcomes: Counter[str] = field(default_factory=Counter)

    async def run(self, stop: asyncio.Event) -> None:
        """Process messages until `stop` is set; those in progress are finished, those only received are returned."""
        busy: set[asyncio.Task[Any]] = set()
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._touch_heartbeat_file()
                if len(busy) < self.concurrency:
                    for message in await self._receive(self.concurrency - len(busy), stop):
                        busy.add(asyncio.create_task(self.handle(message)))
                if busy:
                    _, busy = await asyncio.wait({*busy, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    busy.discard(stopped)
            await asyncio.gather(*busy)
        finally:
            stopped.cancel()

    async def _receive(self, limit: int, stop: asyncio.Event) -> list[Message]:
        try:
            received = await self.queue.receive(limit=min(limit, 10), wait_s=self.poll_wait_s)
        except QueueUnavailable as error:
            log.warning("%s; retrying", error)
            await asyncio.sleep(_RECEIVE_BACKOFF.delay_s(1))
            return []
        if not stop.is_set():
            return received
        for message in received:
            await self._hide(message, 0)
        return []

    async def handle(self, message: Message) -> None:
        """Process one message; every outcome is counted in `outcomes`."""
        async with extend_visibility(self.queue, message, visibility_s=self.visibility_s):
            try:
                created = self._parse(message)
                outcomes = await self._process(created)
                await self.queue.delete(message)
            except TRANSIENT_FAILURES as error:
                await self._retry(message, str(error) or type(error).__name__)
            except SoundalikeError as error:
                await self._retry(message, str(error))
            except Exception as error:
                # The outermost loop: log the unexpected, count it, let the queue retry.
                log.exception("message %s failed", message.id)
                await self._retry(message, f"unexpected error: {type(error).__name__}: {error}")
            else:
                self.outcomes.update(outcomes)
                log.info("%s: %s", ", ".join(event.key for event in created) or message.id, ", ".join(outcomes))

    def _parse(self, message: Message) -> list[ObjectCreated]:
        return s3_events.parse_message(message.body, bucket=self.pipeline.store.bucket)

    async def _process(self, created: list[ObjectCreated]) -> list[str]:
        """Process each object, and raise for a key that names no track only after all others."""
        outcomes, invalid = [], None
        for event in created:
            try:
                outcomes.append(await self.pipeline.process(event))
            except InvalidTrackId as error:
                invalid = error
        if invalid is not None:
            raise invalid
        return outcomes or ["nothing to do"]

    async def _retry(self, message: Message, reason: str) -> None:
        self.outcomes["retry"] += 1
        delay = round(RETRY_BACKOFF.delay_s(message.receive_count))
        last = message.receive_count >= self.max_receives
        log.warning(
            "message %s failed, attempt %d of %d: %s; %s",
            message.id, message.receive_count, self.max_receives, reason,
            "it goes to the dead-letter queue" if last else f"next attempt in {delay} s",
        )  # fmt: skip
        note = (
            GIVEN_UP_REASON.format(n=message.receive_count, reason=reason)
            if last
            else f"failed, will be retried: {reason}"
        )
        letter = DeadLetter(message.id, None, reason, message.receive_count) if last else None
        await self._note(message, note, letter)
        await self._hide(message, 0 if last else delay)

    async def _note(self, message: Message, note: str, letter: DeadLetter | None) -> None:
        """Store on its track why a message failed, and where it is given up why it is a dead letter."""
        pool = self.pipeline.pool
        try:
            for subject in self._subjects(message, note):
                await tracks.set_reason(pool, subject, note)
                letter = replace(letter, urn=letter.urn or subject.urn) if letter else None
            if letter:
                await dead_letters.record(pool, letter)
        except CONNECTION_FAILURES as error:
            log.warning("could not note why message %s failed: %s", message.id, error)

    def _subjects(self, message: Message, note: str) -> list[TrackId]:
        """List the tracks that a message is about; an upload has none."""
        subjects = []
        try:
            for created in self._parse(message):
                if upload_of(created.key) is None:
                    # What stands before a key that is invalid counts.
                    subjects.append(track_of_preview(created.key))  # noqa: PERF401
        except (s3_events.UnreadableEvent, InvalidTrackId):
            log.error("message %s does not belong to a track: %s", message.id, note)  # noqa: TRY400 - no traceback needed
        return subjects

    async def _hide(self, message: Message, seconds: int) -> None:
        try:
            await self.queue.hide(message, seconds)
        except QueueUnavailable as error:
            log.warning("message %s reappears when its visibility timeout ends: %s", message.id, error)

    def _touch_heartbeat_file(self) -> None:
        if self.heartbeat_file is not None:
            self.heartbeat_file.touch()
