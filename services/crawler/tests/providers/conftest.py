from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.crawler.download import Downloader, preview_client
from soundalike.crawler.preview_hosts import HostList, host_of
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.previews.deezer import DeezerPreviews
from soundalike.crawler.previews.itunes import ITunesPreviews
from soundalike.crawler.previews.spotify import SpotifyPreviews
from soundalike.crawler.services.deezer import DeezerApi
from soundalike.crawler.services.itunes import ITunesApi
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.retry import RetryPolicy
from soundalike.sandbox.composer import Previews, encode_mp3
from soundalike.sandbox.deezer import Deezer
from soundalike.sandbox.itunes import ITunes
from soundalike.sandbox.playlists import Track as Listed
from soundalike.sandbox.playlists import generated_track
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.state import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from soundalike.crawler.tag_reader import TagReader
    from soundalike.sandbox.catalogue import Piece


class Hum(Previews):
    """Six seconds for every piece, made once."""

    _made: bytes = b""

    def mp3(self, piece: Piece) -> bytes:  # noqa: ARG002 - all sound alike
        if not Hum._made:
            time = np.arange(6 * 44_100) / 44_100
            wave = (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
            Hum._made = encode_mp3(np.stack([wave, wave], axis=1))
        return Hum._made


@dataclass
class RecordedLimiter:
    """A limiter that allows every request, and counts requests and pauses."""

    acquired: int = 0
    pauses: list[float] = field(default_factory=list)

    async def acquire(self) -> None:
        self.acquired += 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def no_sleep(seconds: float) -> None:
    pass


FAST_RETRY = RetryPolicy(attempts=3, sleep=no_sleep)


def spotify_track(listed: Listed, *, isrc: str | None = "") -> Track:
    """Return a track of the sandbox as the Spotify source reads it."""
    return Track(
        id=TrackId("spotify", listed.spotify_id),
        title=listed.title,
        artists=(listed.artist,),
        album=listed.album,
        duration_ms=listed.duration_ms,
        isrc=listed.isrc if isrc == "" else isrc,
    )


def generated(number: int) -> Track:
    return spotify_track(generated_track(number))


@pytest.fixture(scope="session")
def running_stores() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(previews=Hum())) as running:
        yield running


@pytest.fixture
def stores(running_stores: SandboxServer) -> SandboxServer:
    """The sandbox's Deezer and iTunes, without faults and quotas, as new."""
    sandbox = running_stores.sandbox
    sandbox.faults.clear()
    sandbox.journal.clear()
    sandbox.deezer.quota = sandbox.itunes.quota = None
    sandbox.deezer.catalogue = Deezer().catalogue
    sandbox.itunes.songs = ITunes().songs
    return running_stores


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with preview_client() as opened:
        yield opened


@pytest.fixture
def recorded_limiter() -> RecordedLimiter:
    return RecordedLimiter()


@pytest.fixture
def deezer(stores: SandboxServer, web: httpx.AsyncClient, recorded_limiter: RecordedLimiter) -> DeezerApi:
    return DeezerApi.create(stores.deezer_url, web, recorded_limiter, FAST_RETRY)


@pytest.fixture
def itunes(stores: SandboxServer, web: httpx.AsyncClient, recorded_limiter: RecordedLimiter) -> ITunesApi:
    return ITunesApi.create(stores.itunes_url, "US", web, recorded_limiter, FAST_RETRY)


@pytest.fixture
def local_hosts(stores: SandboxServer) -> HostList:
    return HostList(frozenset({host_of(stores.url)}))


@pytest.fixture
def chain(
    deezer: DeezerApi, itunes: ITunesApi, local_hosts: HostList, web: httpx.AsyncClient, tag_reader: TagReader
) -> PreviewChain:
    providers = (SpotifyPreviews(local_hosts), DeezerPreviews(deezer, local_hosts), ITunesPreviews(itunes, local_hosts))
    return PreviewChain(providers, Downloader(web), tag_reader, retry=FAST_RETRY)
