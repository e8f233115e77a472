"""What a client may do with a connection, on a small server in the test's own event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
import uvicorn
from uvicorn.server import ServerState

from soundalike.api.connections import LIMITS_S, ConnectionState, ConnectionTable
from soundalike.api.http_protocol import MAX_HEADERS, LimitedHttpProtocol, note_sound
from soundalike.api.security_headers import POLICIES
from soundalike.testing.wait import eventually, scale

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

HEAD: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
GET: Final = HEAD + b"\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
# Nothing but what a test is about ends a connection.
NEVER: Final = dict.fromkeys(LIMITS_S, 86_400.0)


@dataclass
class Service:
    """A server with an app that answers "ok" when `go` is set, with a body of `size` bytes."""

    table: ConnectionTable
    port: int = 0
    size: int = 2
    reads: bool = True
    is_sound: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[tuple[list[bytes], bytes]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", self.reads
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.requests.append(([name for name, _ in scope["headers"]], body))
        await self.go.wait()
        if self.is_sound:
            note_sound(scope)
        headers = [(b"content-length", str(self.size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"o" * self.size})

    async def client(self, data: bytes = b"") -> Client:
        self.clients.append(Client(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.clients[-1].send(data)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> Client:
        self.writer.write(data)
        return self

    async def status(self) -> int:
        """The status of the next answer, which is read; 0 where the connection ends without one."""
        head = await self._head()
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length: "):
                await self.reader.readexactly(int(line.partition(b": ")[2]))
        return int(head.split(b" ")[1]) if head else 0

    async def _head(self) -> bytes:
        async with asyncio.timeout(scale(60)):
            try:
                return await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return b""

    async def rest(self) -> bytes:
        """All that comes until the connection ends."""
        async with asyncio.timeout(scale(60)):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def serving(
    limits_s: dict[ConnectionState, float] | None = None, max_connections: int = 100
) -> AsyncIterator[Service]:
    service = Service(ConnectionTable(max_connections, {**NEVER, **(limits_s or {})}))
    service.go.set()
    config = uvicorn.Config(
        service.app, interface="asgi3", log_config=None, server_header=False, timeout_keep_alive=86_400, ws="none"
    )
    state, loop = ServerState(), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: LimitedHttpProtocol(config, state, {}, loop, table=service.table), "127.0.0.1", 0
    )
    service.port = server.sockets[0].getsockname()[1]

    async def sweep() -> None:
        while True:
            service.table.expire(loop.time())
            await asyncio.sleep(0.02)

    sweeper = asyncio.create_task(sweep())
    try:
        yield service
    finally:
        service.go.set()
        sweeper.cancel()
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for client in service.clients:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()
        await eventually(lambda: not state.tasks)


async def test_a_client_that_says_nothing_is_not_waited_for() -> None:
    async with serving({ConnectionState.HEAD: 0.1}) as service:
        client = await service.client()
        assert await client.rest() == b""
        await eventually(lambda: len(service.table) == 0)


async def test_half_a_head_is_refused_after_a_while_even_if_it_goes_on_and_on() -> None:
    async with serving({ConnectionState.HEAD: 0.3}) as service:
        client = await service.client(HEAD)

        async def trickle() -> None:
            while True:
                client.send(b"X: y\r\n")
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert await client.status() == 408
        trickling.cancel()


async def test_half_of_the_next_head_is_not_waited_for_either() -> None:
    async with serving({ConnectionState.HEAD: 0.1}) as service:
        client = await service.client(GET)
        assert await client.status() == 200
        assert await client.send(GET).status() == 200
        client.send(HEAD)
        assert await client.status() == 408
        assert await client.rest() == b""


async def test_blank_lines_keep_no_connection_open() -> None:
    """uvicorn takes any byte as the beginning of another request, and waits for it without an end."""
    async with serving({ConnectionState.IDLE: 0.3}) as service:
        client = await service.client(GET)
        assert await client.status() == 200

        async def trickle() -> None:
            while True:
                client.send(b"\r\n")
                await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert await client.rest() == b""
        trickling.cancel()


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    async with serving({ConnectionState.BODY: 0.1}) as service:
        client = await service.client(POST + b"\r\nx")
        assert await client.rest() == b""
        await eventually(lambda: len(service.table) == 0)


async def test_a_body_that_nobody_reads_ends_the_connection_after_the_answer() -> None:
    async with serving({ConnectionState.REST: 0.1}) as service:
        service.reads = False
        client = await service.client(POST + b"\r\nx")
        assert await client.status() == 200
        assert await client.rest() == b""


async def test_a_client_that_does_not_read_is_not_waited_for() -> None:
    async with serving({ConnectionState.READER: 0.1}) as service:
        service.size = 50_000_000
        await service.client(GET + GET)
        await eventually(lambda: service.requests)
        await eventually(lambda: len(service.table) == 0)


async def test_nor_is_one_that_does_not_read_the_last_of_it() -> None:
    async with serving({ConnectionState.CLOSED: 0.1}) as service:
        service.size = 50_000_000
        await service.client(HEAD + b"Connection: close\r\n\r\n")
        await eventually(lambda: service.requests)
        await eventually(lambda: len(service.table) == 0)


@pytest.mark.parametrize("beginning", [b"", HEAD, POST + b"\r\nx"])
async def test_clients_that_wait_give_way_to_those_that_ask(beginning: bytes) -> None:
    async with serving(max_connections=20) as service:
        slow = [await service.client(beginning) for _ in range(60)]
        await eventually(lambda: len(service.table) == 20)
        for _ in range(5):
            assert await (await service.client(GET)).status() == 200
        assert len(service.table) <= 20
        # The oldest are gone.
        assert await slow[0].rest() == b""


async def test_where_all_are_being_answered_another_is_refused() -> None:
    async with serving(max_connections=3) as service:
        service.go.clear()
        first = [await service.client(GET) for _ in range(3)]
        await eventually(lambda: len(service.requests) == 3)
        refused = await (await service.client(GET)).rest()
        assert refused == b"" or refused.startswith(b"HTTP/1.1 503 ")
        service.go.set()
        assert [await client.status() for client in first] == [200] * 3
        assert await (await service.client(GET)).status() == 200


AMBIGUOUS: Final = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": HEAD + b"Host: localhost\r\n\r\n",
    "two hosts, other case": HEAD + b"hOST: evil.example\r\n\r\n",
    "two hosts in HTTP/1.0": b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "a list of hosts": b"GET / HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: localhost/evil\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: me@localhost\r\n\r\n",
    "a folded host": b"GET / HTTP/1.1\r\nHost:\r\n localhost\r\nX: y\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "another host in the address": b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the same host with a user in the address": b"GET http://me@localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "another scheme in the address": b"GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an address without a host": b"GET http:/// HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tunnel": b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "two equal lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 1\r\n\r\nx",
    "a signed length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\nx",
    "a length and chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunks twice": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunks before another": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "another before chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "almost chunked": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "lines that end in LF": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "a zero byte": HEAD + b"X: a\0b\r\n\r\n",
    "too many headers": HEAD + b"X: y\r\n" * MAX_HEADERS + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_what_two_programs_could_read_differently_is_refused(request_bytes: bytes) -> None:
    async with serving() as service:
        client = await service.client(request_bytes + GET)
        answer = (await client.rest()).lower()
        assert answer.startswith(b"http/1.1 400 ")
        assert answer.count(b"http/1.1 ") == 1
        for name, value in POLICIES.items():
            assert f"\r\n{name}: {value}\r\n".lower().encode() in answer
        assert b"\r\nserver:" not in answer


PLAIN: Final = {
    "a port": b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n",
    "an IPv6 address": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
    "HTTP/1.0 without a host": b"GET / HTTP/1.0\r\n\r\n",
    "the address in full": b"GET http://LOCALHOST/x?y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "all of the server": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "a length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
}


@pytest.mark.parametrize("request_bytes", PLAIN.values(), ids=PLAIN)
async def test_what_is_plain_is_answered(request_bytes: bytes) -> None:
    async with serving() as service:
        assert await (await service.client(request_bytes)).status() == 200


async def test_a_trailer_is_no_header() -> None:
    async with serving() as service:
        chunked = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        trailers = b"Host: evil.example\r\nAuthorization: Bearer x\r\n" + b"X: y\r\n" * MAX_HEADERS
        client = await service.client(chunked + trailers + b"\r\n" + GET)
        assert [await client.status(), await client.status()] == [200, 200]
        assert [names for names, _ in service.requests] == [[b"host", b"transfer-encoding"], [b"host"]]


async def test_an_upgrade_to_another_protocol_is_not_accepted() -> None:
    async with serving() as service:
        for protocol in (b"websocket", b"h2c"):
            upgrade = HEAD + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
            assert await (await service.client(upgrade)).status() == 200


async def test_a_request_with_an_error_is_not_answered_in_place_of_the_one_before_it() -> None:
    async with serving() as service:
        service.go.clear()
        client = await service.client(GET + AMBIGUOUS["two hosts"])
        assert b"400" not in await client.rest()


async def test_a_player_that_pauses_keeps_its_connection_and_no_other_reader_does() -> None:
    async with serving({ConnectionState.READER: 0.1}) as service:
        service.size = 50_000_000
        service.is_sound = True
        player = await service.client(GET)
        await eventually(lambda: service.table._since[ConnectionState.LISTENER])
        service.is_sound = False
        other = await service.client(GET)
        await eventually(lambda: len(service.table) == 1)
        assert len(await other.rest()) < service.size
        assert await player.status() == 200


async def test_a_player_that_pauses_for_too_long_asks_again_later() -> None:
    async with serving({ConnectionState.LISTENER: 0.1}) as service:
        service.size, service.is_sound = 50_000_000, True
        player = await service.client(GET)
        await eventually(lambda: len(service.table) == 0)
        assert len(await player.rest()) < service.size


async def test_the_end_of_the_server_does_not_wait_for_the_end_of_a_song() -> None:
    async with serving() as service:
        service.size, service.is_sound = 50_000_000, True
        await service.client(GET)
        await eventually(lambda: service.table._since[ConnectionState.LISTENER])
        (connection,) = service.table._since[ConnectionState.LISTENER]
        connection.shutdown()
        await eventually(lambda: len(service.table) == 0)
