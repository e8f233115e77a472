from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from pydantic import SecretStr

from soundalike.crawler.crawl import Crawl
from soundalike.crawler.download import Downloader, preview_client
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.library.clip_offer import clip_encoder_pool
from soundalike.crawler.library.file_reader import FileReader
from soundalike.crawler.policy import CrawlPolicy
from soundalike.crawler.preview_hosts import HostList, host_of
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.previews.spotify import SpotifyPreviews
from soundalike.crawler.settings import SpotifyAccess
from soundalike.crawler.sources.spotify import SpotifyPlaylist
from soundalike.crawler.sources.spotify_address import PlaylistId
from soundalike.crawler.sources.spotify_web_api import SpotifyWebApi
from soundalike.crawler.stats import OutcomeStatus
from soundalike.crawler.tag_reader import TagReader
from soundalike.db import database, embeddings, models, tracks
from soundalike.db.embeddings import Embedding
from soundalike.db.models import EmbeddingModel
from soundalike.domain.track_id import TrackId
from soundalike.retry import RetryPolicy
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.composer import Previews, encode_mp3
from soundalike.sandbox.server import SandboxServer
from soundalike.sandbox.state import Sandbox
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import httpx
    from numpy.typing import NDArray

    from soundalike.audio.decoder_pool import ClipEncoderPool
    from soundalike.crawler.stats import CrawlStats
    from soundalike.db.database import Pool
    from soundalike.db.tracks import State
    from soundalike.sandbox.catalogue import Piece

RATE = 22_050
MODEL = EmbeddingModel("test-model", 160)
FIRST = pieces()[0]
FIRST_ID = TrackId("spotify", FIRST.spotify_id)
NOT_OFFERED = "Spotify offers no preview"
FIRST_PREVIEW = f"/mp3-preview/{FIRST.preview_hash}"


def tone(seconds: float, *, hertz: float = 440.0, rate: int = RATE) -> NDArray[np.float32]:
    time = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


class Tones(Previews):
    """Previews that are made in no time; a crawl does not hear the difference."""

    _made: bytes = b""

    def mp3(self, piece: Piece) -> bytes:  # noqa: ARG002 - all sound alike
        if not Tones._made:
            Tones._made = encode_mp3(np.stack([tone(6, rate=44_100)] * 2, axis=1))
        return Tones._made


@dataclass
class RecordedSleep:
    """Notes the waits of a retry policy and the pauses of a limiter, and waits for neither."""

    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def acquire(self) -> None:
        pass

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)


@dataclass
class CrawlFixture:
    """A crawl's surroundings, with the sandbox for Spotify and a bucket in memory."""

    pool: Pool
    server: SandboxServer
    chain: PreviewChain
    api: SpotifyWebApi
    sleep: RecordedSleep
    store: MemoryStore = field(default_factory=MemoryStore)

    def crawl(self, **options: Any) -> Crawl:
        """Make a crawl; options are those of `Ingest`, `CrawlPolicy` and `Crawl`."""
        names = CrawlPolicy.__dataclass_fields__
        policy = CrawlPolicy(**{name: value for name, value in options.items() if name in names})
        parts = {name: options[name] for name in ("pool", "store", "leases") if name in options}
        standard = {"pool": self.pool, "store": self.store, "retry": RetryPolicy(sleep=self.sleep.sleep)}
        ingest = Ingest(**{**standard, **parts, "policy": policy})
        return Crawl(ingest.pool, ingest, policy, ingest.leases, concurrency=options.get("concurrency", 4))

    def playlist(self, key: str) -> SpotifyPlaylist:
        return SpotifyPlaylist(PlaylistId(key), self.api, self.chain)


def counts_by_status(stats: CrawlStats) -> dict[OutcomeStatus, int]:
    assert stats.unfinished == 0
    assert stats.finished == sum(stats.count(status) for status in OutcomeStatus)
    return {status: stats.count(status) for status in OutcomeStatus if stats.count(status)}


async def embed(crawler: CrawlFixture, track: TrackId) -> None:
    """Do what the extractor does."""
    async with crawler.pool.acquire() as connection:
        await models.register(connection, MODEL)
        embedding = Embedding(track, MODEL.model, np.ones(160, dtype=np.float32), "previews/x", None, "0" * 64, 29.0)
        await embeddings.save(connection, embedding)


async def state_of(crawler: CrawlFixture, track: TrackId) -> tuple[State, str | None]:
    stored = await tracks.get(crawler.pool, track)
    assert stored is not None
    return stored.state, stored.reason


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
def recorded_sleep() -> RecordedSleep:
    return RecordedSleep()


@pytest.fixture
def api(access: SpotifyAccess, recorded_sleep: RecordedSleep) -> Iterator[SpotifyWebApi]:
    with SpotifyWebApi(access, limiter=recorded_sleep, retry=RetryPolicy(sleep=recorded_sleep.sleep)) as opened:
        yield opened


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with preview_client() as opened:
        yield opened


@pytest.fixture
def hosts(server: SandboxServer) -> HostList:
    return HostList.parse("p.scdn.co").with_host(host_of(server.url))


@pytest.fixture
def downloader(client: httpx.AsyncClient) -> Downloader:
    return Downloader(client)


@pytest.fixture
def chain(
    downloader: Downloader, hosts: HostList, tag_reader: TagReader, recorded_sleep: RecordedSleep
) -> PreviewChain:
    return PreviewChain([SpotifyPreviews(hosts)], downloader, tag_reader, retry=RetryPolicy(sleep=recorded_sleep.sleep))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with database.connect(database_url, size=12) as opened:
        yield opened


@pytest.fixture
def crawler(
    pool: Pool, server: SandboxServer, chain: PreviewChain, api: SpotifyWebApi, recorded_sleep: RecordedSleep
) -> CrawlFixture:
    return CrawlFixture(pool, server, chain, api, recorded_sleep)


@pytest.fixture
def clip_encoders() -> Iterator[ClipEncoderPool]:
    with clip_encoder_pool() as encoders:
        yield encoders


@pytest.fixture
def tag_reader() -> Iterator[TagReader]:
    with TagReader() as reader:
        yield reader


@pytest.fixture
def file_reader() -> Iterator[FileReader]:
    with FileReader(with_checksum=True) as reader:
        yield reader


_SUMMARY: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.fixture
def summary(request: pytest.FixtureRequest) -> list[str]:
    """Lines that are printed at the end of the run."""
    return request.config.stash.setdefault(_SUMMARY, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(_SUMMARY, []):
        terminalreporter.section("measured by the crawler's tests")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def audio() -> Callable[..., bytes]:
    """Encode a tone of some seconds."""

    def encode(seconds: float = 6, form: str = "FLAC", hertz: float = 440.0) -> bytes:
        target = io.BytesIO()
        soundfile.write(target, tone(seconds, hertz=hertz), RATE, format=form)
        return target.getvalue()

    return encode
