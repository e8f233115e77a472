from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from pydantic import SecretStr

from catalog import database, schema
from catalog.store import MemoryStore
from crawler.crawl import Crawl
from crawler.downloading import Downloader, preview_client
from crawler.hosts import HostList, host_of
from crawler.patience import Patience
from crawler.settings import SpotifyAccess
from crawler.sources.folder import CuttingBench
from crawler.sources.spotify import SpotifyPlaylist
from crawler.sources.spotify_address import PlaylistId
from crawler.sources.spotify_web_api import SpotifyWebApi
from sandbox.composition import Previews, encode_mp3
from sandbox.server import SandboxServer
from sandbox.spotify import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx
    from numpy.typing import NDArray

    from catalog.database import Pool
    from sandbox.catalogue import Piece

RATE = 22_050
RECORDED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "replies"


def tone(seconds: float, *, hertz: float = 440.0, rate: int = RATE) -> NDArray[np.float32]:
    time = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


class Tones(Previews):
    """Previews that are made in no time; a crawl does not hear the difference."""

    _made: bytes = b""

    def mp3(self, piece: Piece) -> bytes:  # noqa: ARG002 - all sound alike
        if not Tones._made:
            Tones._made = encode_mp3(np.stack([tone(2, rate=44_100)] * 2, axis=1))
        return Tones._made


@dataclass
class Naps:
    """A patience that notes how long it would have waited."""

    taken: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)


@dataclass
class Bench:
    """A crawl's surroundings, with the sandbox for Spotify and a bucket in memory."""

    pool: Pool
    server: SandboxServer
    downloader: Downloader
    api: SpotifyWebApi
    naps: Naps
    store: MemoryStore = field(default_factory=MemoryStore)

    def crawl(self, **options: Any) -> Crawl:
        return Crawl(**{"pool": self.pool, "store": self.store, "patience": Patience(sleep=self.naps.sleep)} | options)

    def playlist(self, key: str) -> SpotifyPlaylist:
        return SpotifyPlaylist(PlaylistId(key), self.api, self.downloader)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(previews=Tones())) as running:
        yield running


@pytest.fixture
def access(server: SandboxServer) -> SpotifyAccess:
    return SpotifyAccess(
        client_id="sandbox",
        client_secret=SecretStr("sandbox"),
        refresh_token=None,
        api_url=server.api_url,
        token_url=server.token_url,
    )


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def api(access: SpotifyAccess, naps: Naps) -> Iterator[SpotifyWebApi]:
    with SpotifyWebApi(access, patience=Patience(sleep=naps.sleep)) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with preview_client() as opened:
        yield opened


@pytest.fixture
def downloader(client: httpx.AsyncClient, server: SandboxServer) -> Downloader:
    return Downloader(client, HostList.parse("p.scdn.co").with_host(host_of(server.url)))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    await schema.upgrade(database_url)
    async with database.connect(database_url) as opened:
        yield opened


@pytest.fixture
def bench(pool: Pool, server: SandboxServer, downloader: Downloader, api: SpotifyWebApi, naps: Naps) -> Bench:
    return Bench(pool, server, downloader, api, naps)


@pytest.fixture
def cutting() -> Iterator[CuttingBench]:
    with CuttingBench() as opened:
        yield opened


@pytest.fixture(scope="session")
def recorded() -> Callable[[str], Any]:
    """Read a recorded reply of the real service by its file name."""

    def read(name: str) -> Any:
        path = RECORDED / name
        if not path.exists():
            pytest.skip("the recorded replies (../shared/data/replies) are not on this machine")
        return json.loads(path.read_text())

    return read


@pytest.fixture(scope="session")
def audio() -> Callable[..., bytes]:
    """Encode a tone of some seconds."""

    def encode(seconds: float = 6, form: str = "FLAC", hertz: float = 440.0) -> bytes:
        target = io.BytesIO()
        soundfile.write(target, tone(seconds, hertz=hertz), RATE, format=form)
        return target.getvalue()

    return encode
