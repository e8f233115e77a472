"""Fetching previews over HTTP into memory, from hosts on the list only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import httpx

from soundalike.audio.sniff import sniff
from soundalike.crawler.errors import PreviewGone, PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.preview_hosts import host_of, without_query
from soundalike.crawler.user_agent import user_agent
from soundalike.http.replies import is_transient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from soundalike.audio.sniff import AudioKind
    from soundalike.crawler.preview_hosts import HostList

MAX_BYTES: Final = 10_000_000
"""30 s of uncompressed CD sound are 5.3 MB."""

MAX_REDIRECTS: Final = 5


def preview_client(contact: str | None = None) -> httpx.AsyncClient:
    """Open the client that `Downloader` asks with, telling whom to write to; close it at the end."""
    # Identity: a compressed answer could unpack to far more than was sent.
    headers = {"User-Agent": user_agent(contact), "Accept": "audio/*, */*;q=0.1", "Accept-Encoding": "identity"}
    return httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(15.0, connect=5.0), follow_redirects=False)


@dataclass(frozen=True, slots=True)
class Downloader:
    """Fetches previews of at most `max_bytes` within `timeout_s`, following redirects within a list of hosts."""

    client: httpx.AsyncClient
    max_bytes: int = MAX_BYTES
    timeout_s: float = 60.0

    async def download(self, url: str, hosts: HostList) -> tuple[bytes, AudioKind]:
        """Get a preview from one of `hosts`; raises `PreviewMissing`, `PreviewUnusable`, `PreviewUnavailable`."""
        try:
            async with asyncio.timeout(self.timeout_s):
                data = await self._read(url, hosts)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise PreviewUnavailable(
                "the preview's server took too long", f"no response in time from {without_query(url)}"
            ) from error
        except httpx.HTTPError as error:
            detail = f"{without_query(url)}: {type(error).__name__} {error}".rstrip()
            raise PreviewUnavailable("the preview's server could not be reached", detail) from error
        kind = sniff(data)
        if kind is None:
            raise PreviewUnusable("not audio", f"the file at {without_query(url)} is not audio that can be decoded")
        return data, kind

    async def _read(self, url: str, hosts: HostList) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            _check_host(url, hosts)
            async with self._stream(url) as response:
                if not response.has_redirect_location:
                    _check_status(response, url)
                    return b"".join([chunk async for chunk in self._read_chunks(response, url)])
                url = urljoin(url, response.headers["Location"])
        raise PreviewMissing("too many redirects", f"more than {MAX_REDIRECTS} redirects, to {without_query(url)}")

    def _stream(self, url: str) -> _Streaming:
        return self.client.stream("GET", url)

    async def _read_chunks(self, response: httpx.Response, url: str) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > self.max_bytes:
                raise PreviewUnusable(
                    "too large", f"the preview at {without_query(url)} has more than {self.max_bytes} bytes"
                )
            yield chunk


def _check_host(url: str, hosts: HostList) -> None:
    if not hosts.allows(url):
        where = host_of(url) or "no web address"
        raise PreviewMissing(
            "the preview is on a host that is not allowed",
            f"the preview is on {where}, which is not one of the provider's hosts ({hosts})",
        )


def _check_status(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    message = f"the preview's server answered {status}"
    if is_transient(status) or status == httpx.codes.TOO_MANY_REQUESTS:
        raise PreviewUnavailable(message, f"{message} for {without_query(url)}")
    raise PreviewGone(message, f"{message} for {without_query(url)}")


if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    _Streaming = AbstractAsyncContextManager[httpx.Response]
