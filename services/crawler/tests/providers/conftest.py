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
class Doorman:
    """A limiter that lets everybody through and notes what it was asked."""

    acquired: int = 0
    held: list[float] = field(default_factory=list)

    async def acquire(self) -> None:
        self.acquired += 1

    async def hold(self, seconds: float) -> None:
        self.held.append(seconds)


async def no_sleep(seconds: float) -> None:
    pass


HASTY = RetryPolicy(attempts=3, sleep=no_sleep)


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
def running_shops() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(previews=Hum())) as running:
        yield running


@pytest.fixture
def shops(running_shops: SandboxServer) -> SandboxServer:
    """The sandbox's Deezer and iTunes, without faults and quotas, as new."""
    sandbox = running_shops.sandbox
    sandbox.faults.clear()
    sandbox.journal.clear()
    sandbox.deezer.quota = sandbox.itunes.quota = None
    sandbox.deezer.catalogue = Deezer().catalogue
    sandbox.itunes.songs = ITunes().songs
    return running_shops


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with preview_client() as opened:
        yield opened


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


@pytest.fixture
def deezer(shops: SandboxServer, web: httpx.AsyncClient, doorman: Doorman) -> DeezerApi:
    return DeezerApi.at(shops.deezer_url, web, doorman, HASTY)


@pytest.fixture
def itunes(shops: SandboxServer, web: httpx.AsyncClient, doorman: Doorman) -> ITunesApi:
    return ITunesApi.at(shops.itunes_url, "US", web, doorman, HASTY)


@pytest.fixture
def here(shops: SandboxServer) -> HostList:
    return HostList(frozenset({host_of(shops.url)}))


@pytest.fixture
def chain(deezer: DeezerApi, itunes: ITunesApi, here: HostList, web: httpx.AsyncClient) -> PreviewChain:
    providers = (SpotifyPreviews(here), DeezerPreviews(deezer, here), ITunesPreviews(itunes, here))
    return PreviewChain(providers, Downloader(web), retry=HASTY)
