"""The queue of events: SQS (or what speaks its protocol), and one in memory with its own clock for tests."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from soundalike.errors import QueueUnavailable
from soundalike.settings import QueueSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs.client import SQSClient

    from soundalike.settings import QueueNameSettings, StoreSettings

T = TypeVar("T")

_SHORT_VISIBILITY_S = 30

LONG_POLL_S = 20
"""The longest wait SQS offers for a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message; `receive_count` is 1 the first time."""

    id: str
    receipt: str
    body: str
    receive_count: int


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages are waiting, in flight or delayed; SQS counts approximately."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.visible + self.in_flight + self.delayed


class MessageQueue(Protocol):
    """A queue with visibility timeout. Every method may raise `QueueUnavailable`."""

    async def receive(self, *, limit: int, wait_s: int) -> list[Message]:
        """Wait up to `wait_s` seconds for up to `limit` (1-10) messages, hidden from others for a while."""

    async def delete(self, message: Message) -> None:
        """Delete a message that is done."""

    async def hide(self, message: Message, seconds: int) -> None:
        """Let a message reappear in `seconds` from now: later to keep working on it, 0 to give it back."""

    async def send(self, body: str) -> None:
        """Add a message."""

    async def depth(self) -> Depth:
        """Count what is in the queue."""


class SqsQueue:
    """One queue of SQS, by boto3 in threads."""

    def __init__(self, client: SQSClient, url: str, *, visibility_s: int) -> None:
        self._client = client
        self._url = url
        self._visibility_s = visibility_s

    @classmethod
    async def connect(
        cls, settings: QueueNameSettings, *, dead_letters: bool = False, fail_fast: bool = False
    ) -> SqsQueue:
        """Open the queue that the settings name, or the dead-letter queue behind it.

        With `fail_fast` a call gives up within seconds. Without a setting messages that are received stay hidden for
        half a minute.
        """
        client = sqs_client(settings, fail_fast=fail_fast)
        name = settings.dead_letter_queue_name if dead_letters else settings.queue_name
        url = (await _call(lambda: client.get_queue_url(QueueName=name)))["QueueUrl"]
        visibility_s = settings.queue_visibility_s if isinstance(settings, QueueSettings) else _SHORT_VISIBILITY_S
        return cls(client, url, visibility_s=visibility_s)

    async def receive(self, *, limit: int, wait_s: int) -> list[Message]:
        """Wait up to `wait_s` seconds for up to `limit` (1-10) messages, hidden from others for a while."""
        response = await _call(
            lambda: self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=self._visibility_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        )
        return [
            Message(m["MessageId"], m["ReceiptHandle"], m["Body"], int(m["Attributes"]["ApproximateReceiveCount"]))
            for m in response.get("Messages", [])
        ]

    async def delete(self, message: Message) -> None:
        """Delete a message that is done."""
        await _call(lambda: self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message.receipt))

    async def hide(self, message: Message, seconds: int) -> None:
        """Let a message reappear in `seconds` from now."""
        await _call(
            lambda: self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
            )
        )

    async def send(self, body: str) -> None:
        """Add a message."""
        await _call(lambda: self._client.send_message(QueueUrl=self._url, MessageBody=body))

    async def depth(self) -> Depth:
        """Count what is in the queue."""
        response = await _call(
            lambda: self._client.get_queue_attributes(
                QueueUrl=self._url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )
        )
        counts = response["Attributes"]
        return Depth(
            visible=int(counts["ApproximateNumberOfMessages"]),
            in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(counts.get("ApproximateNumberOfMessagesDelayed", 0)),
        )


@dataclass(slots=True)
class _Entry:
    body: str
    visible_at: float
    receives: int = 0
    receipt: str = ""


@dataclass(slots=True)
class MemoryQueue:
    """A queue in memory, for tests: `clock` gives the time in seconds, `dead_letters` collects the dead letters."""

    visibility_s: int = 120
    max_receives: int = 5
    clock: Callable[[], float] = time.monotonic
    dead_letters: list[str] = field(default_factory=list)
    _entries: dict[str, _Entry] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def receive(self, *, limit: int, wait_s: int) -> list[Message]:  # noqa: ARG002 - part of the protocol
        """Return up to `limit` visible messages; never waits for more than a turn of the event loop."""
        await asyncio.sleep(0)
        received: list[Message] = []
        for name, entry in list(self._entries.items()):
            if len(received) == limit or entry.visible_at > self.clock():
                continue
            if entry.receives >= self.max_receives:
                self.dead_letters.append(self._entries.pop(name).body)
                continue
            entry.receives += 1
            entry.receipt = f"{name}/{entry.receives}"
            entry.visible_at = self.clock() + self.visibility_s
            received.append(Message(name, entry.receipt, entry.body, entry.receives))
        return received

    async def delete(self, message: Message) -> None:
        """Delete a message that is done."""
        if message.id in self._entries and self._entries[message.id].receipt == message.receipt:
            del self._entries[message.id]

    async def hide(self, message: Message, seconds: int) -> None:
        """Let a message reappear in `seconds` from now."""
        entry = self._entries.get(message.id)
        if entry is not None and entry.receipt == message.receipt:
            entry.visible_at = self.clock() + seconds

    async def send(self, body: str) -> None:
        """Add a message."""
        self._entries[f"m{next(self._numbers)}"] = _Entry(body, visible_at=self.clock())

    async def depth(self) -> Depth:
        """Count what is in the queue."""
        visible = sum(entry.visible_at <= self.clock() for entry in self._entries.values())
        return Depth(visible=visible, in_flight=len(self._entries) - visible, delayed=0)


def sqs_client(settings: StoreSettings, *, fail_fast: bool = False) -> SQSClient:
    """Open an SQS client whose timeout exceeds the long poll; with `fail_fast` it gives up within seconds."""
    return boto3.client(
        "sqs",
        region_name=settings.aws_default_region,
        endpoint_url=settings.aws_endpoint_url,
        config=Config(
            connect_timeout=2 if fail_fast else 5,
            read_timeout=5 if fail_fast else LONG_POLL_S + 15,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 1 if fail_fast else 3},
        ),
    )


async def _call(call: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(call)
    except (ClientError, BotoCoreError, OSError) as error:
        raise QueueUnavailable(f"the queue is not available: {error}") from error
