from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.sniff import AudioKind
from soundalike.crawler.errors import PreviewError, PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.preview_hosts import HostList
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.crawler.download import Downloader
    from soundalike.sandbox.server import SandboxServer

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


async def test_a_preview(downloader: Downloader, url: str, server: SandboxServer, hosts: HostList) -> None:
    data, kind = await downloader.download(url, hosts)
    assert kind is AudioKind.MP3
    assert data == server.sandbox.previews.mp3(pieces()[0])
    assert server.sandbox.journal.read(PATH)[0].user_agent.startswith("soundalike-crawler/")


async def test_redirects_within_the_list_are_followed(
    downloader: Downloader, server: SandboxServer, hosts: HostList
) -> None:
    data, kind = await downloader.download(f"{server.url}/track/{pieces()[0].spotify_id}", hosts)
    assert kind is AudioKind.MP3
    server.sandbox.faults.add(Fault(path="/elsewhere", status=307, headers={"Location": PATH}))
    assert await downloader.download(f"{server.url}/elsewhere", hosts) == (data, kind)


async def test_redirects_lead_to_no_other_host(
    downloader: Downloader, server: SandboxServer, url: str, hosts: HostList
) -> None:
    port = server.url.rpartition(":")[2]
    server.sandbox.faults.add(Fault(path=PATH, status=302, headers={"Location": f"http://localhost:{port}/private"}))
    with pytest.raises(PreviewMissing, match=f"is on localhost:{port}, which is not one of the provider's hosts"):
        await downloader.download(url, hosts)
    assert not server.sandbox.journal.read("/private")


async def test_redirects_in_a_circle(downloader: Downloader, server: SandboxServer, url: str, hosts: HostList) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=302, headers={"Location": PATH}, times=None))
    with pytest.raises(PreviewMissing, match="more than 5 redirects"):
        await downloader.download(url, hosts)
    assert len(server.sandbox.journal.read(PATH)) == 6


@pytest.mark.parametrize("address", ["https://evil.example/x", "ftp://p.scdn.co/x", "file:///etc/passwd", "nonsense"])
async def test_other_hosts_are_not_asked(downloader: Downloader, address: str, hosts: HostList) -> None:
    with pytest.raises(PreviewMissing) as missing:
        await downloader.download(address, hosts)
    assert missing.value.reason == "the preview is on a host that is not allowed"


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_gone_for_good(
    downloader: Downloader, server: SandboxServer, url: str, status: int, hosts: HostList
) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=status))
    with pytest.raises(PreviewMissing, match=f"answered {status}"):
        await downloader.download(url, hosts)


@pytest.mark.parametrize("status", [404, 503])
async def test_the_key_in_an_address_is_not_told(
    downloader: Downloader, server: SandboxServer, url: str, hosts: HostList, status: int
) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=status))
    with pytest.raises(PreviewError) as caught:
        await downloader.download(f"{url}?hdnea=exp=1~hmac=secret#x", hosts)
    assert "secret" not in str(caught.value)
    assert url in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_gone_for_now(
    downloader: Downloader, server: SandboxServer, url: str, status: int, hosts: HostList
) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=status))
    with pytest.raises(PreviewUnavailable, match=f"answered {status}"):
        await downloader.download(url, hosts)


async def test_too_slow(downloader: Downloader, server: SandboxServer, url: str, hosts: HostList) -> None:
    server.sandbox.faults.add(Fault(path=PATH, delay_seconds=30))
    with pytest.raises(PreviewUnavailable) as late:
        await replace(downloader, timeout_s=0.2).download(url, hosts)
    assert late.value.reason == "the preview's server took too long"


async def test_nobody_there(downloader: Downloader) -> None:
    with pytest.raises(PreviewUnavailable, match="ConnectError"):
        await downloader.download("http://127.0.0.1:9/x", HostList.parse("127.0.0.1:9"))


async def test_a_download_that_breaks_off_is_not_taken_for_whole(downloader: Downloader, breaking_off: str) -> None:
    with pytest.raises(PreviewUnavailable, match="RemoteProtocolError"):
        await downloader.download(breaking_off, HostList.parse(breaking_off.split("/")[2]))


async def test_too_large(downloader: Downloader, url: str, server: SandboxServer, hosts: HostList) -> None:
    size = len(server.sandbox.previews.mp3(pieces()[0]))
    data, _ = await replace(downloader, max_bytes=size).download(url, hosts)
    assert len(data) == size
    with pytest.raises(PreviewUnusable, match=f"more than {size - 1} bytes") as large:
        await replace(downloader, max_bytes=size - 1).download(url, hosts)
    assert large.value.reason == "too large"


@pytest.mark.parametrize("body", ["", "<html>sorry</html>"])
async def test_not_audio(downloader: Downloader, server: SandboxServer, url: str, body: str, hosts: HostList) -> None:
    server.sandbox.faults.add(Fault(path=PATH, status=200, headers={"Content-Type": "audio/mpeg"}, body=body))
    with pytest.raises(PreviewUnusable, match="not audio that can be decoded"):
        await downloader.download(url, hosts)
