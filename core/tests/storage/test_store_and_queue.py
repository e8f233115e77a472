"""The adapters, real and in memory, keep the same promises."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import FlexibleChecksumError
from botocore.response import StreamingBody

from soundalike.errors import (
    ObjectAltered,
    ObjectMissing,
    ObjectTooLarge,
    ObjectTruncated,
    QueueUnavailable,
    StoreUnavailable,
)
from soundalike.provisioning.resources import provision_events
from soundalike.settings import QueueSettings
from soundalike.storage.message_queue import MemoryQueue, MessageQueue, SqsQueue
from soundalike.storage.object_store import MemoryStore, ObjectStore, S3Store, s3_client
from soundalike.testing.wait import eventually

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(aws_environment: object, request: pytest.FixtureRequest) -> QueueSettings:
    name = f"t{abs(hash(request.node.nodeid)) % 10**12}"
    made = QueueSettings(s3_bucket=f"bucket-{name}", queue_name=name, queue_visibility_s=10)
    provision_events(made)
    return made


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    return S3Store.connect(request.getfixturevalue("settings"))


@pytest.fixture(params=["memory", "sqs"])
async def queue(request: pytest.FixtureRequest) -> MessageQueue:
    if request.param == "memory":
        return MemoryQueue()
    made: QueueSettings = request.getfixturevalue("settings")
    connected = await SqsQueue.connect(made)
    for message in await connected.receive(limit=10, wait_s=0):  # S3's test event
        await connected.delete(message)
    return connected


async def test_objects_come_back_as_they_went(store: ObjectStore, tmp_path: Path) -> None:
    await store.put("previews/a b+é.mp3", b"123", "audio/mpeg")
    await store.put("previews/z", b"", "audio/mpeg")
    await store.put("other", b"x", "audio/mpeg")
    assert (await store.get("previews/a b+é.mp3", max_bytes=3)).data == b"123"
    assert [(o.key, o.size) async for o in store.list("previews/")] == [("previews/a b+é.mp3", 3), ("previews/z", 0)]
    await store.download("other", tmp_path / "x", max_bytes=100_000_000)
    await store.upload("copy", tmp_path / "x")
    assert (await store.get("copy", max_bytes=10)).data == b"x"


async def test_an_object_is_described_and_hashed_without_being_kept(store: ObjectStore) -> None:
    await store.put("large", b"abc" * 1_000_000, "application/octet-stream")
    described = await store.describe("large")
    assert (described.key, described.size) == ("large", 3_000_000)
    assert await store.sha256("large") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    await store.put("large", b"abd" * 1_000_000, "application/octet-stream")
    assert (await store.describe("large")).etag != described.etag
    await store.put("empty", b"", "audio/mpeg")
    with pytest.raises(ObjectTruncated):
        await store.describe("empty")
    for read in (store.describe, store.sha256):
        with pytest.raises(ObjectMissing):
            await read("absent")


class Ghosts:
    """A client of a store that lists and describes what it has lost, as ministack does without its files."""

    def get_object(self, **request: object) -> dict[str, object]:
        length = 1 if "Range" in request else 100
        body = StreamingBody(io.BytesIO(b""), None if "Range" in request else length)
        return {"Body": body, "ContentLength": length, "ContentRange": "bytes 0-0/100", "ETag": '"1"'}


async def test_an_object_that_ends_early_is_no_whole_one() -> None:
    store = S3Store(Ghosts(), "bucket")  # type: ignore[arg-type]
    for reading in (store.get("k", max_bytes=100), store.sha256("k"), store.describe("k")):
        with pytest.raises(ObjectTruncated):
            await reading


class Altered:
    """A client of a store whose files were changed on its disk: the SDK compares what comes with the checksum."""

    def get_object(self, **_: object) -> dict[str, object]:
        raise FlexibleChecksumError(error_msg="Expected checksum 9SFCuw== did not match calculated checksum: AAAAAA==")


async def test_an_object_that_is_not_what_its_checksum_says_is_altered() -> None:
    store = S3Store(Altered(), "bucket")  # type: ignore[arg-type]
    for reading in (store.get("k", max_bytes=100), store.sha256("k")):
        with pytest.raises(ObjectAltered, match="k was altered in the object store"):
            await reading


async def test_missing_and_too_large_are_told_apart(store: ObjectStore, tmp_path: Path) -> None:
    await store.put("k", b"1234", "audio/mpeg")
    with pytest.raises(ObjectTooLarge, match="4 bytes"):
        await store.get("k", max_bytes=3)
    with pytest.raises(ObjectMissing):
        await store.get("nothing", max_bytes=3)
    with pytest.raises(ObjectMissing):
        await store.download("nothing", tmp_path / "x", max_bytes=1)
    with pytest.raises(ObjectTooLarge, match="4 bytes; the limit is 3"):
        await store.download("k", tmp_path / "x", max_bytes=3)
    assert not (tmp_path / "x").exists()
    await store.delete("nothing")


async def test_a_newer_object_is_not_deleted_for_the_old_one(store: ObjectStore) -> None:
    await store.put("k", b"old", "audio/mpeg")
    old = await store.get("k", max_bytes=10)
    await store.put("k", b"new", "audio/mpeg")
    await store.delete("k", etag=old.etag)
    newer = await store.get("k", max_bytes=10)
    assert newer.data == b"new"
    await store.delete("k", etag=newer.etag)
    with pytest.raises(ObjectMissing):
        await store.get("k", max_bytes=10)


async def test_a_message_is_hidden_handed_back_and_done_with(queue: MessageQueue) -> None:
    await queue.send("hello")
    (first,) = await queue.receive(limit=10, wait_s=0)
    assert (first.body, first.receive_count) == ("hello", 1)
    assert await queue.receive(limit=10, wait_s=0) == []
    assert (await queue.depth()).in_flight == 1
    await queue.hide(first, 0)
    (again,) = await queue.receive(limit=10, wait_s=0)
    assert (again.id, again.receive_count) == (first.id, 2)
    await queue.delete(again)
    assert (await queue.depth()).total == 0


async def test_too_many_receives_end_in_the_dead_letter_queue(settings: QueueSettings) -> None:
    queue, dead = await SqsQueue.connect(settings), await SqsQueue.connect(settings, dead_letters=True)
    await queue.send("poison")
    for _ in range(settings.queue_max_receives + 1):
        for message in await queue.receive(limit=10, wait_s=0):
            await queue.hide(message, 0)
    bodies = [m.body for m in await dead.receive(limit=10, wait_s=1)]
    assert "poison" in bodies


async def test_memory_queue_buries_like_the_real_one() -> None:
    queue = MemoryQueue(max_receives=2)
    await queue.send("poison")
    for _ in range(3):
        for message in await queue.receive(limit=1, wait_s=0):
            await queue.hide(message, 0)
    assert queue.dead_letters == ["poison"]
    assert (await queue.depth()).total == 0


async def test_an_upload_becomes_a_message(settings: QueueSettings) -> None:
    provision_events(settings)  # a second time, as at every start
    queue, store = await SqsQueue.connect(settings), S3Store.connect(settings)
    await store.put("previews/deezer/1.mp3", b"x", "audio/mpeg")
    await store.put("indexes/not/one.bin", b"x", "application/octet-stream")
    bodies: list[str] = []

    async def is_announced() -> bool:
        bodies.extend([message.body for message in await queue.receive(limit=10, wait_s=1)])
        return any("previews" in body for body in bodies)

    await eventually(is_announced)
    assert sum("previews%2Fdeezer" in b or "previews/deezer/1.mp3" in b for b in bodies) == 1
    assert not any("not/one.bin" in b for b in bodies)


async def test_what_is_to_be_compared_is_announced_too_and_expires_first(settings: QueueSettings) -> None:
    provision_events(settings)
    queue, store = await SqsQueue.connect(settings), S3Store.connect(settings)
    await store.put("queries/1.audio", b"x", "application/octet-stream")
    bodies: list[str] = []

    async def is_announced() -> bool:
        bodies.extend([message.body for message in await queue.receive(limit=10, wait_s=1)])
        return any("1.audio" in body for body in bodies)

    await eventually(is_announced)
    rules = s3_client(settings).get_bucket_lifecycle_configuration(Bucket=settings.s3_bucket)["Rules"]
    assert {(rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) for rule in rules} == {
        ("previews/", 14),
        ("queries/", 1),
    }


async def test_an_absent_bucket_is_a_transient_failure(settings: QueueSettings, tmp_path: Path) -> None:
    store = S3Store.connect(settings.model_copy(update={"s3_bucket": "not-there"}))
    (tmp_path / "file").write_bytes(b"x")
    for call in (store.put("k", b"x", ""), store.get("k", max_bytes=1), store.upload("k", tmp_path / "file")):
        with pytest.raises(StoreUnavailable):
            await call
    with pytest.raises(StoreUnavailable):
        [_ async for _ in store.list("")]


async def test_an_absent_server_is_a_transient_failure(settings: QueueSettings, unused_tcp_port: int) -> None:
    away = settings.model_copy(update={"aws_endpoint_url": f"http://127.0.0.1:{unused_tcp_port}"})
    with pytest.raises(StoreUnavailable):
        await S3Store.connect(away).get("k", max_bytes=1)
    with pytest.raises(QueueUnavailable):
        await SqsQueue.connect(away)
