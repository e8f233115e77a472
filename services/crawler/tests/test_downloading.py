from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audio import AudioKind
from crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable
from crawler.hosts import HostList
from sandbox.catalogue import pieces
from sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crawler.downloading import Downloader
    from sandbox.server import SandboxServer

PATH = f"/mp3-preview/{pieces()[0].preview_hash}"


@pytest.fixture
def url(server: SandboxServer) -> str:
    return server.url + PATH


@pytest.fixture
async def breaking_off() -> AsyncIterator[str]:
    """Address of a server that promises more than it sends."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nID3")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/preview"


async def test_a_preview(downloader: Downloader, url: str, server: SandboxServer) -> None:
    preview = await downloader.fetch(url)
    assert preview.kind is AudioKind.MP3
    assert preview.data == server.sandbox.previews.mp3(pieces()[0])
    assert server.sandbox.journal.read(PATH)[0].user_agent.startswith("soundalike-crawler/")


async def test_redirects_within_the_list_are_followed(downloader: Downloader, server: SandboxServer) -> None:
    preview = await downloader.fetch(f"{server.url}/track/{pieces()[0].spotify_id}")
    assert preview.kind is AudioKind.MP3
    server.sandbox.faults.add(Fault(path="/elsewhere", status=307, headers={"Location": PATH}))
    assert (await downloader.fetch(f"{server.url}/elsewhere")).data == preview.data


async def test_redirects_lead_to_no_other_host(downloader: Downloader, server: SandboxServer, url: str) -> None:
    port = server.url.rpartition(":")[2]
    server.sandbox.faults.add(Fault(path=PATH, status=302, headers={"Location": f"http://localhost:{port}/private"}))
    with pytest.raises(PreviewMissing, match=f"lies on localhost:{port}, which PREVIEW_HOSTS does not name"):
        await downloader.fetch(url)
    assert not server.sandbox.journal.read("/private")


async def test_redirects_in_a_circle(downloader: Downloader, server: SandboxServer, url: str) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=302, headers={"Location": PATH}, times=None))
    with pytest.raises(PreviewMissing, match="more than 5 redirects"):
        await downloader.fetch(url)
    assert len(server.sandbox.journal.read(PATH)) == 6


@pytest.mark.parametrize("address", ["https://evil.example/x", "ftp://p.scdn.co/x", "file:///etc/passwd", "nonsense"])
async def test_other_hosts_are_not_asked(downloader: Downloader, address: str) -> None:
    with pytest.raises(PreviewMissing) as missing:
        await downloader.fetch(address)
    assert missing.value.reason == "the preview lies on a host that is not allowed"


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_gone_for_good(downloader: Downloader, server: SandboxServer, url: str, status: int) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=status))
    with pytest.raises(PreviewMissing, match=f"answered {status}"):
        await downloader.fetch(url)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_gone_for_now(downloader: Downloader, server: SandboxServer, url: str, status: int) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=status))
    with pytest.raises(PreviewUnavailable, match=f"answered {status}"):
        await downloader.fetch(url)


async def test_too_slow(downloader: Downloader, server: SandboxServer, url: str) -> None:
    server.sandbox.faults.add(Fault(path=PATH, delay_seconds=30))
    with pytest.raises(PreviewUnavailable) as late:
        await replace(downloader, seconds=0.2).fetch(url)
    assert late.value.reason == "the preview's server took too long"


async def test_nobody_there(downloader: Downloader) -> None:
    with pytest.raises(PreviewUnavailable, match="ConnectError"):
        await replace(downloader, hosts=HostList.parse("127.0.0.1:9")).fetch("http://127.0.0.1:9/x")


async def test_a_download_that_breaks_off_is_not_taken_for_whole(downloader: Downloader, breaking_off: str) -> None:
    allowing = replace(downloader, hosts=HostList.parse(breaking_off.split("/")[2]))
    with pytest.raises(PreviewUnavailable, match="RemoteProtocolError"):
        await allowing.fetch(breaking_off)


async def test_too_large(downloader: Downloader, url: str, server: SandboxServer) -> None:
    size = len(server.sandbox.previews.mp3(pieces()[0]))
    assert len((await replace(downloader, max_bytes=size).fetch(url)).data) == size
    with pytest.raises(PreviewUnusable, match=f"more than {size - 1} bytes") as large:
        await replace(downloader, max_bytes=size - 1).fetch(url)
    assert large.value.reason == "too large"


@pytest.mark.parametrize("body", ["", "<html>sorry</html>"])
async def test_not_audio(downloader: Downloader, server: SandboxServer, url: str, body: str) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=200, headers={"Content-Type": "audio/mpeg"}, body=body))
    with pytest.raises(PreviewUnusable, match="no audio"):
        await downloader.fetch(url)
