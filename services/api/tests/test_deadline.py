"""Every answer begins in time, whatever the app waits for, and nobody works for a client that has gone away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.middleware import Middleware

from soundalike.api.app import create_app
from soundalike.api.middleware import deadline
from soundalike.api.middleware.deadline import Deadline, DeadlineMiddleware
from soundalike.testing.wait import eventually

from .conftest import Platform, is_ready, serving, urn
from .test_problems import problem

if TYPE_CHECKING:
    from starlette.types import Message

    from soundalike.api.settings import ApiSettings


class Service:
    """An app whose routes wait in different ways."""

    def __init__(self, limit_s: float = 0.3) -> None:
        self.app = FastAPI(middleware=[Middleware(DeadlineMiddleware, limit_s=limit_s)])
        self.ended: list[str] = []
        self.go = asyncio.Event()
        for path in (self.waits, self.does_not_end, self.fails, self.fails_afterwards):
            self.app.get(f"/{path.__name__}")(path)
        self.app.post("/takes")(self.takes)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost")

    async def waits(self) -> str:
        try:
            await self.go.wait()
        finally:
            self.ended.append("waits")
        return "ok"

    async def does_not_end(self) -> str:
        """As asyncpg does, which waits until the database has taken a statement back."""
        try:
            await asyncio.sleep(3_600)
        finally:
            await self.go.wait()
            self.ended.append("does not end")
        return "ok"

    async def fails(self) -> None:
        raise ZeroDivisionError

    async def fails_afterwards(self) -> None:
        try:
            await asyncio.sleep(3_600)
        finally:
            raise ZeroDivisionError

    async def takes(self, request: Request) -> int:
        Deadline.of(request.scope).restart(3_600)
        size = len(await request.body())
        Deadline.of(request.scope).restart()
        if size > 5:
            await self.waits()
        return size


@pytest.mark.parametrize("path", ["waits", "does_not_end", "fails_afterwards"])
async def test_what_takes_too_long_is_stopped(path: str) -> None:
    service = Service()
    answer = await service.client.get(f"/{path}")
    assert "0.3 s" in problem(answer, 503, "deadline-exceeded")["detail"]
    assert int(answer.headers["retry-after"]) > 0
    service.go.set()
    if path != "fails_afterwards":
        await eventually(lambda: service.ended)


async def test_what_is_in_time_is_answered_and_errors_come_through() -> None:
    service = Service(limit_s=3_600)
    service.go.set()
    assert (await service.client.get("/waits")).json() == "ok"
    with pytest.raises(ZeroDivisionError):
        await service.client.get("/fails")


async def test_a_file_has_its_own_time_to_arrive_and_the_answer_the_usual() -> None:
    service = Service()

    async def slowly(size: int) -> Any:
        for _ in range(size):
            await asyncio.sleep(0.15)
            yield b"x"

    assert (await service.client.post("/takes", content=slowly(5))).json() == 5
    problem(await service.client.post("/takes", content=slowly(6)), 503, "deadline-exceeded")
    await eventually(lambda: service.ended == ["waits"])


@pytest.mark.parametrize("fields", [[], [(b"content-length", b"4")]])
async def test_nobody_works_for_a_client_that_has_gone_away(fields: list[tuple[bytes, bytes]]) -> None:
    service = Service(limit_s=3_600)
    gone = asyncio.Event()
    sent: list[Message] = []
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": bool(fields)}]
    if fields:
        messages.append({"type": "http.request", "body": b"good", "more_body": False})
        service.app.post("/waits")(_reads_first(service))

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST" if fields else "GET", "path": "/waits", "headers": fields}
    task = asyncio.create_task(service.app({**scope, "query_string": b"", "http_version": "1.1"}, receive, send))
    await asyncio.sleep(2 * deadline._UNWATCHED_S)
    assert not service.ended
    gone.set()
    await eventually(lambda: service.ended == ["waits"])
    await task
    # Nobody is there to read it: this is for the log.
    assert sent[0]["status"] == 499


def _reads_first(service: Service) -> Any:
    async def reads(request: Request) -> str:
        assert await request.body() == b"good"
        return await service.waits()

    return reads


async def test_a_database_that_does_not_answer_costs_no_more_than_that(
    platform: Platform, settings: ApiSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundalike.api.platform_connection._REQUEST_TIMEOUT_S", 0.5)
    await platform.add(0)
    async with serving(create_app(settings, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        async with platform.pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE tracks IN ACCESS EXCLUSIVE MODE")
            answers = await asyncio.gather(*(client.get(f"/tracks/{urn(0)}") for _ in range(30)))
            for answer in answers:
                problem(answer, 503, "not-serving")
        assert (await client.get(f"/tracks/{urn(0)}")).status_code == 200


async def test_postgresql_ends_a_statement_of_the_api_by_itself(platform: Platform, settings: ApiSettings) -> None:
    async with serving(create_app(settings, platform.store)) as client:
        await eventually(lambda: is_ready(client))
        connection = client._transport.app.state.platform  # type: ignore[attr-defined]
        async with connection.database() as pool:
            assert await pool.fetchval("SHOW statement_timeout") == "8s"
