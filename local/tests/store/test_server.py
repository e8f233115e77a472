"""The store as a process: what it listens on, how much memory it takes, whom it waits for."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
import sys
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from botocore.exceptions import ClientError

from soundalike.local.environment import neutral_environment
from soundalike.local.ports import free_port
from soundalike.local.store import server as store_server
from soundalike.testing.wait import eventually, scale

from .conftest import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from subprocess import Popen

    from soundalike.local.ministack import AwsServer
    from soundalike.local.program import Program

MIB = 1024 * 1024
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
async def process(
    server: AwsServer, launch: Callable[[Program], AbstractContextManager[Popen[bytes]]]
) -> AsyncIterator[Popen[bytes]]:
    server.prepare()
    with launch(server.program(neutral_environment(os.environ))) as process:
        await server.wait_until_ready()
        yield process


@pytest.fixture
def caller(server: AwsServer) -> Caller:
    return Caller(f"127.0.0.1:{server.port}", server.access_key_id, server.secret_access_key)


@pytest.fixture
def s3(caller: Caller) -> Iterator[Any]:
    client = caller.client("s3")
    yield client
    client.close()


def memory(process: Popen[bytes], field: str) -> int:
    """Return a field of the process's status, VmRSS (now) or VmHWM (at most until now), in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (kilobytes,) = re.findall(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024


@linux
class TestMemory:
    async def test_a_long_body_is_in_memory_once(self, process: Popen[bytes], s3: Any, tmp_path: Path) -> None:
        size = 100 * MIB
        file = tmp_path / "long"
        with file.open("wb") as handle:
            for number in range(100):
                handle.write(bytes([number]) * MIB)
        s3.create_bucket(Bucket="music")
        s3.put_object(Bucket="music", Key="short", Body=b"short")
        before = memory(process, "VmRSS")
        with file.open("rb") as handle:
            await asyncio.to_thread(s3.put_object, Bucket="music", Key="long", Body=handle)
        assert memory(process, "VmHWM") - before < 1.3 * size
        body = s3.get_object(Bucket="music", Key="long")["Body"]
        assert all(body.read(MIB) == bytes([number]) * MIB for number in range(100))
        assert memory(process, "VmHWM") - before < 1.3 * size
        await eventually(lambda: memory(process, "VmRSS") - before < 30 * MIB, "the memory to be free again")

    async def test_slow_clients_cost_little_and_block_nobody(
        self, process: Popen[bytes], caller: Caller, s3: Any
    ) -> None:
        s3.create_bucket(Bucket="music")
        content = os.urandom(20 * MIB)
        s3.put_object(Bucket="music", Key="long", Body=content)
        before = memory(process, "VmRSS")
        signed = caller.sign("PUT", "/music/slow", body=content)
        upload = _head("PUT", "/music/slow", {**signed, "Host": caller.host, "Content-Length": str(len(content))})
        download = _head("GET", "/music/long", {**caller.sign("GET", "/music/long"), "Host": caller.host})
        with ExitStack() as stack:
            for _ in range(10):
                sender = stack.enter_context(_connection(caller))
                await asyncio.to_thread(sender.sendall, upload + content[:-1])
                reader = stack.enter_context(_connection(caller))
                reader.sendall(download)
                assert reader.recv(100).startswith(b"HTTP/1.1 200")
            s3.put_object(Bucket="music", Key="short", Body=b"short")
            assert s3.get_object(Bucket="music", Key="short")["Body"].read() == b"short"
            # Ten times 20 MiB come in and ten go out.
            assert memory(process, "VmRSS") - before < 60 * MIB
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket="music", Key="slow")


@linux
async def test_it_listens_on_one_port_of_the_loopback_interface(server: AwsServer, process: Popen[bytes]) -> None:
    assert ports_of(process) == [("tcp", f"0100007F:{server.port:04X}")]


def ports_of(process: Popen[bytes]) -> list[tuple[str, str]]:
    """Return the addresses on which the process listens, as /proc has them."""
    links = [str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir() if link.is_symlink()]
    inodes = {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}
    listener = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == "0A" or table.startswith("udp")):
                listener.append((table, fields[1]))
    return listener


async def test_its_files_are_its_owners_only(server: AwsServer, process: Popen[bytes], s3: Any) -> None:
    s3.create_bucket(Bucket="music")
    s3.put_object(Bucket="music", Key="a/b", Body=b"new")
    paths = [server.home, *server.home.rglob("*")]
    assert any(path.is_file() for path in paths)
    assert [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert process.poll() is None


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[int]:
    """Serve an application in this process."""
    port = free_port()
    config = store_server.configuration(app, "127.0.0.1", port)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    # Without its signal handlers.
    task = asyncio.ensure_future(server._serve())
    await eventually(lambda: server.started, "the server to listen")
    try:
        yield port
    finally:
        server.should_exit = True
        await task


async def _empty(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
async def test_a_connection_without_a_request_is_closed(monkeypatch: pytest.MonkeyPatch, beginning: bytes) -> None:
    monkeypatch.setattr(store_server, "_HEAD_TIMEOUT_S", 0.2)
    async with serve(_empty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(beginning)
        await _end_of(reader)
        writer.close()


async def test_a_connection_whose_second_request_does_not_come_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "_HEAD_TIMEOUT_S", 0.2)
    async with serve(_empty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET")
        await _end_of(reader)
        writer.close()


async def test_connections_without_a_request_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "_MAX_WITHOUT_REQUEST", 5)
    async with serve(_empty) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(12)]
        for reader, _ in silent[:7]:
            await _end_of(reader)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, other in [*silent, (reader, writer)]:
            other.close()


async def _end_of(reader: asyncio.StreamReader) -> None:
    # An aborted connection may end with a reset.
    with suppress(ConnectionResetError):
        async with asyncio.timeout(scale(60)):
            assert await reader.read() == b""


async def test_a_slow_body_is_no_silent_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_server, "_HEAD_TIMEOUT_S", 0.05)
    async with serve(_empty) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
        await asyncio.sleep(0.5)
        writer.write(b"new")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


def _connection(caller: Caller) -> socket.socket:
    host, _, port = caller.host.partition(":")
    return socket.create_connection((host, int(port)), timeout=scale(60))


def _head(method: str, target: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()
