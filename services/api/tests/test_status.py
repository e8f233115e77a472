"""The status, once and as events: true, cheap for many, and over at once when the process ends."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from soundalike.api import status_feed
from soundalike.api.app import create_app
from soundalike.api.platform_queues import QueuePair
from soundalike.api.settings import Access
from soundalike.db import advisory_locks, analyses, api_keys, crawls, dead_letters, libraries, platform_status, tracks
from soundalike.db.api_keys import Scope
from soundalike.db.crawls import CrawlSource, CrawlState
from soundalike.db.dead_letters import DeadLetter
from soundalike.db.tracks import Track
from soundalike.storage.message_queue import MemoryQueue
from soundalike.testing.wait import eventually, scale

from .conftest import MODEL, is_ready, serving, track_id, urn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from fastapi import FastAPI

    from soundalike.api.settings import ApiSettings

    from .conftest import Platform


@pytest.fixture
def queues() -> QueuePair:
    return QueuePair(MemoryQueue(), MemoryQueue(max_receives=10**6))


@pytest.fixture
def app(platform: Platform, settings: ApiSettings, queues: QueuePair) -> FastAPI:
    return create_app(settings, platform.store, queue_pair=queues)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as opened:
        await eventually(lambda: is_ready(opened))
        yield opened


class EventStream:
    """A request for the events, driven as a server does; `events` are those that have come."""

    def __init__(self, app: FastAPI, *, query: str = "", method: str = "GET") -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = ""
        self.gone = asyncio.Event()
        self._requested = False
        scope: dict[str, Any] = {
            "type": "http", "http_version": "1.1", "method": method, "path": "/status/events",
            "raw_path": b"/status/events", "query_string": query.encode(), "root_path": "", "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"accept-encoding", b"gzip"), (b"if-none-match", b"*")],
            "client": ("127.0.0.1", 1), "server": ("localhost", 80), "app": app,
        }  # fmt: skip
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    @property
    def events(self) -> list[tuple[str, Any]]:
        blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in self.body.split("\n\n") if block]
        return [(block["event"], json.loads(block["data"])) for block in blocks if "event" in block]

    async def _receive(self) -> dict[str, Any]:
        if not self._requested:
            self._requested = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"").decode()


@asynccontextmanager
async def following(app: FastAPI, **request: str) -> AsyncIterator[EventStream]:
    stream = EventStream(app, **request)
    try:
        yield stream
    finally:
        stream.gone.set()
        await asyncio.wait_for(stream.task, scale(10))


async def status_of(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/status")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def test_the_status_says_what_there_is_and_what_goes_on(
    platform: Platform, app: FastAPI, queues: QueuePair
) -> None:
    for number in range(3):
        await platform.add(number)
    await platform.publish()
    await platform.add(3)
    await tracks.upsert(platform.pool, Track(track_id(4), "Now"))
    await tracks.mark_queued(platform.pool, track_id(4), provider="file", method="file")
    await tracks.upsert(platform.pool, Track(track_id(5), "Never"))
    await tracks.mark_rejected(platform.pool, track_id(5), "silent")
    await analyses.begin(platform.pool, track_id(4), uuid4())
    await queues.queue.send("one")
    await queues.dead_letter_queue.send("other")
    async with platform.pool.acquire() as connection:
        await libraries.register(connection, b"/music/\xc3\xa9", watched=True)
        await crawls.add(connection, CrawlSource(folder=b"/other"))
        await advisory_locks.share(connection, advisory_locks.WATCHER)
        async with serving(app) as client:
            await eventually(lambda: is_ready(client))
            status = await status_of(client)
    assert status["total"] == sum(status["by_state"].values()) == 6
    assert (status["by_state"]["ready"], status["by_state"]["queued"], status["by_state"]["rejected"]) == (4, 1, 1)
    assert [(each["urn"], each["title"]) for each in status["analysis"]["active"]] == [(urn(4), "Now")]
    assert [each["urn"] for each in status["analysis"]["recent"]] == [urn(3), urn(2), urn(1), urn(0)]
    assert status["analysis"]["waiting"] == 1
    assert status["queue"] == {"visible": 1, "in_flight": 0, "delayed": 0}
    assert status["dead_letters"] == 1
    index = status["index"]
    assert (index["version"], index["tracks"], index["tail"], index["recall"]) == ("v1", 3, 1, 1.0)
    assert index["age_s"] >= 0
    assert [(each["model"], each["current"]) for each in status["models"]] == [(MODEL.model, True)]
    assert [(each["root"], each["watched"], each["files"]) for each in status["libraries"]] == [("/music/é", True, 0)]
    assert status["crawls"][0]["source"] == {"kind": "folder", "name": "/other", "library": None}
    assert status["has_watcher"] is True
    assert (status["losses"], status["missing"], status["requests"]) == ([], {}, {"due": 0, "next_due": None})


async def test_an_empty_platform_has_a_status_and_one_without_queues_says_so(
    platform: Platform, settings: ApiSettings
) -> None:
    async with serving(create_app(settings, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        status = await status_of(client)
    assert (status["total"], status["queue"], status["dead_letters"], status["index"]) == (0, None, None, None)
    assert (status["has_watcher"], status["analysis"]["remaining_s"]) == (False, 0)


async def test_strangers_see_no_paths(platform: Platform, app: FastAPI, client: httpx.AsyncClient) -> None:
    async with platform.pool.acquire() as connection:
        await libraries.register(connection, b"/music/mine")
        crawl = await crawls.add(connection, CrawlSource(folder=b"/music/mine/too"))
        assert crawl is not None
        await crawls.lease(connection)
        notice = "the files of 5 tracks are gone at once from /music/mine"
        await crawls.end(connection, crawl, CrawlState.DONE, {}, summary=f"1 skipped; {notice}")
    forwarded = {"X-Forwarded-For": "203.0.113.1"}
    for path in ("/status", f"/crawls/{crawl.id}"):
        assert "/music/mine" in (await client.get(path)).text
        answer = await client.get(path, headers=forwarded)
        assert answer.status_code == 200
        assert "/music" not in answer.text


async def test_many_viewers_are_one_reader(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = platform_status.read

    async def count(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*arguments)

    monkeypatch.setattr(platform_status, "read", count)
    streams = [EventStream(app) for _ in range(20)]
    answers = await asyncio.gather(*(client.get("/status") for _ in range(20)))
    await eventually(lambda: all(stream.events for stream in streams))
    assert {answer.status_code for answer in answers} == {200}
    # Further ones come as the time goes on, but none for each viewer.
    assert reads < 20
    for stream in streams:
        stream.gone.set()
        await asyncio.wait_for(stream.task, scale(10))


async def test_events_come_at_once_and_with_every_change_and_are_not_held_back(
    platform: Platform, app: FastAPI, client: httpx.AsyncClient
) -> None:
    assert client is not None
    async with following(app) as stream:
        await eventually(lambda: len(stream.events) == 1)
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert not stream.headers.keys() & {"content-encoding", "etag", "content-length"}
        await platform.add(7)
        await eventually(lambda: any(status["total"] == 1 for _, status in stream.events))
    assert {name for name, _ in stream.events} == {"status"}


async def test_nothing_is_sent_while_only_the_age_of_the_index_grows_but_signs_of_life(
    platform: Platform, app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.add(1)
    await platform.publish()
    await eventually(lambda: _index_is(client, "v1"))
    monkeypatch.setattr(app.state.status_feed, "_heartbeat_s", 0.3)
    # The speed counts as well, which changes for a minute after an analysis.
    await platform.pool.execute("UPDATE embeddings SET extracted_at = now() - interval '1 hour'")
    app.state.status_feed.expire()
    async with following(app) as stream:
        await eventually(lambda: stream.body.count(": still here") >= 5)
        assert len(stream.events) <= 2


async def _index_is(client: httpx.AsyncClient, version: str) -> bool:
    index = (await status_of(client))["index"]
    return index is not None and index["version"] == version


async def test_a_place_is_given_back_and_there_are_so_many_only(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.status_feed, "_max_listeners", 2)
    async with following(app) as one:
        async with following(app) as two:
            await eventually(lambda: bool(one.events and two.events))
            refused = await client.get("/status/events")
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:soundalike:problem:too-many-listeners")
            assert int(refused.headers["Retry-After"]) > 0
        async with following(app) as three:
            await eventually(lambda: bool(three.events))


async def test_a_stream_ends_at_once_with_the_process(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert client is not None
    stream = EventStream(app)
    await eventually(lambda: bool(stream.events))
    app.state.draining = True
    # The client is still there.
    await asyncio.wait_for(stream.task, scale(5))


async def test_head_does_not_begin_a_stream(app: FastAPI, client: httpx.AsyncClient) -> None:
    assert client is not None
    stream = EventStream(app, method="HEAD")
    await asyncio.wait_for(stream.task, scale(5))
    assert (stream.status, stream.body) == (200, "")


async def test_the_events_say_that_the_database_is_away_and_go_on(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise OSError("gone")

    assert client is not None
    with monkeypatch.context() as away:
        away.setattr(status_feed.platform_status, "read", fail)
        app.state.status_feed.expire()
        async with following(app) as stream:
            await eventually(lambda: [name for name, _ in stream.events] == ["problem"])
            assert stream.events[0][1]["missing"] == {"database": "the database does not answer"}
            answer = await client.get("/status")
            assert answer.status_code == 503
            away.undo()
            await eventually(lambda: [name for name, _ in stream.events] == ["problem", "status"])


async def test_a_browser_with_a_key_gets_a_link(platform: Platform, settings: ApiSettings) -> None:
    async with platform.pool.acquire() as connection:
        key = await api_keys.add(connection, "anna", Scope.READ)
    app = create_app(settings.model_copy(update={"api_reads": Access.KEYED}), platform.store)
    headers = {"Authorization": f"Bearer {key}"}
    async with serving(app) as client:
        await eventually(lambda: _may_read(client, headers))
        assert (await client.get("/status-link")).status_code == 401
        link = (await client.get("/status-link", headers=headers)).json()
        path, _, query = link["url"].partition("?")
        assert path == "status/events"
        async with following(app, query=query) as stream:
            await eventually(lambda: bool(stream.events))
        async with following(app, query=query.replace("signature=", "signature=0")) as stream:
            await eventually(lambda: stream.status == 403)


async def _may_read(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    return (await client.get("/status", headers=headers)).status_code == 200


async def test_dead_letters_are_listed_with_reasons_and_tried_again(
    platform: Platform, client: httpx.AsyncClient, queues: QueuePair
) -> None:
    await platform.add(1, title="Hard to decode")
    for number in range(12):
        await queues.dead_letter_queue.send(f"letter {number}")
    letters = await queues.dead_letter_queue.receive(limit=10, wait_s=0)
    for message in letters:
        await queues.dead_letter_queue.hide(message, 0)
        await dead_letters.record(platform.pool, DeadLetter(message.id, urn(1), "the decoder\x07 crashed", attempts=5))
    listed = (await client.get("/dead-letters", params={"n": 3})).json()
    assert (listed["total"], len(listed["letters"])) == (10, 3)
    letter = listed["letters"][0]
    assert (letter["title"], letter["reason"], letter["attempts"]) == ("Hard to decode", "the decoder crashed", 5)
    one = await client.post("/dead-letters/retry", json={"ids": [letter["id"], "nobody"]})
    assert one.json() == {"retried": 1}
    assert (await queues.queue.depth()).total == 1
    assert (await client.post("/dead-letters/retry", json={"all": True})).json() == {"retried": 11}
    assert (await queues.queue.depth()).total == 12
    assert (await queues.dead_letter_queue.depth()).total == 0
    assert (await client.get("/dead-letters")).json() == {"total": 0, "letters": []}


@pytest.mark.parametrize("order", [{}, {"ids": []}, {"ids": ["a"], "all": True}, {"all": False}, {"some": 1}, []])
async def test_a_retry_names_what_it_means(client: httpx.AsyncClient, order: Any) -> None:
    assert (await client.post("/dead-letters/retry", json=order)).status_code == 422


async def test_reasons_and_retries_are_for_the_person_at_this_machine_and_who_may_write(
    platform: Platform, settings: ApiSettings, queues: QueuePair
) -> None:
    async with platform.pool.acquire() as connection:
        reader = await api_keys.add(connection, "reader", Scope.READ)
        writer = await api_keys.add(connection, "writer", Scope.WRITE)
    # Also where anybody may upload and request tracks.
    app = create_app(settings.model_copy(update={"api_writes": Access.OPEN}), platform.store, queue_pair=queues)
    remote = {"X-Forwarded-For": "203.0.113.1"}
    async with serving(app) as client:

        async def answers(headers: dict[str, str]) -> list[int]:
            return [
                (await client.get("/dead-letters", headers=headers)).status_code,
                (await client.post("/dead-letters/retry", json={"all": True}, headers=headers)).status_code,
                (await client.post("/crawls", json={"playlist": "deezer:playlist:1"}, headers=headers)).status_code,
                (await client.delete("/crawls/1", headers=headers)).status_code,
            ]

        await eventually(lambda: _may_read(client, {}))
        assert await answers({}) == [200, 200, 202, 202]
        await eventually(lambda: _has_status(client, {**remote, "Authorization": f"Bearer {reader}"}, 403))
        assert await answers(remote) == [401] * 4
        assert await answers({**remote, "Authorization": f"Bearer {reader}"}) == [403] * 4
        assert await answers({**remote, "Authorization": f"Bearer {writer}"}) == [200, 200, 202, 202]


async def _has_status(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> bool:
    return (await client.get("/dead-letters", headers=headers)).status_code == status
