from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.crawl import Crawl
from soundalike.crawler.ingest import Ingest
from soundalike.crawler.sources.deezer import DeezerList
from soundalike.crawler.sources.deezer_address import DeezerTarget
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.crawler.sources.track_lists.resolver import Resolver
from soundalike.crawler.sources.track_lists.track_list_file import TrackListFile
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists, track_states
from soundalike.db.tracks import State
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import AWKWARD_PLAYLIST
from soundalike.sandbox.faults import Fault
from soundalike.storage.object_store import MemoryStore

from .conftest import FAST_RETRY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.db.database import Pool
    from soundalike.sandbox.server import SandboxServer

PIECE = pieces()[0]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def crawl(pool: Pool, store: MemoryStore) -> Callable[[], Crawl]:
    return lambda: Crawl(pool, Ingest(pool, store, retry=FAST_RETRY))


@pytest.fixture
def awkward(deezer: DeezerApi, chain: PreviewChain) -> Callable[[], DeezerList]:
    return lambda: DeezerList(DeezerTarget("playlist", str(AWKWARD_PLAYLIST)), deezer, chain)


async def row_of(pool: Pool, urn: str) -> dict[str, Any]:
    return dict(await pool.fetchrow("SELECT * FROM tracks WHERE urn = $1", urn))


async def test_a_playlist_of_deezer_comes_to_the_bucket(
    crawl: Callable[[], Crawl], awkward: Callable[[], DeezerList], pool: Pool, store: MemoryStore
) -> None:
    run = crawl()
    assert await run.run(awkward()) is None
    assert {status: run.stats.count(status) for status in OutcomeStatus if run.stats.count(status)} == {
        OutcomeStatus.UPLOADED: 4,
        OutcomeStatus.SKIPPED: 3,
    }
    listed = await playlists.tracks_of(pool, f"deezer:playlist:{AWKWARD_PLAYLIST}")
    assert len(listed) == 5
    assert listed[0] == listed[-1]
    assert len(store.objects) == 4
    first = await row_of(pool, listed[0].urn)
    assert (first["preview_provider"], first["match_method"]) == ("deezer", "id")
    assert first["preview_provider_id"] == listed[0].key
    assert first["match_score"] == 1.0
    # Rows of playlists come without a code; it was learnt on the way.
    assert first["isrc"] == PIECE.isrc


async def test_an_unchanged_playlist_costs_one_request(
    crawl: Callable[[], Crawl], awkward: Callable[[], DeezerList], stores: SandboxServer
) -> None:
    await crawl().run(awkward())
    stores.sandbox.journal.clear()
    run = crawl()
    assert await run.run(awkward()) is None
    assert [request.path for request in stores.sandbox.journal.read()] == [f"/deezer/playlist/{AWKWARD_PLAYLIST}"]
    assert run.stats.unfinished == 0


async def test_a_list_in_a_file_comes_to_the_bucket(
    crawl: Callable[[], Crawl], deezer: DeezerApi, chain: PreviewChain, pool: Pool, tmp_path: Path
) -> None:
    path = tmp_path / "Mine.csv"
    content = f"Title,Artist,ISRC,Spotify ID\n,,{PIECE.isrc},\n{PIECE.title},{PIECE.artist},,{PIECE.spotify_id}\nx,,,\n"
    await asyncio.to_thread(path.write_text, content)
    run = crawl()
    assert await run.run(TrackListFile(ListFile.from_path(path), Resolver(deezer), chain)) is None
    assert run.stats.count(OutcomeStatus.UPLOADED) == 2
    assert run.stats.by_reason[OutcomeStatus.SKIPPED] == {"neither an id, an ISRC, nor title and artist": 1}
    assert await pool.fetchval("SELECT count(*) FROM playlists WHERE source = 'list' AND title = 'Mine'") == 1


async def test_what_deezer_could_not_say_is_never_kept_as_an_absence(
    crawl: Callable[[], Crawl],
    awkward: Callable[[], DeezerList],
    pool: Pool,
    stores: SandboxServer,
) -> None:
    busy = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
    stores.sandbox.faults.add(Fault(path="/deezer/track/*", status=200, body=busy, times=None))
    stores.sandbox.faults.add(Fault(path="/itunes/search", status=403, body="", times=None))
    run = crawl()
    await run.run(awkward())
    assert run.stats.count(OutcomeStatus.NO_PREVIEW) == 0
    assert run.stats.count(OutcomeStatus.FAILED) == 4
    assert (await track_states.count_by_state(pool))[State.PENDING] == 4
    stores.sandbox.faults.clear()
    again = crawl()
    assert await again.run(awkward()) is None
    assert again.stats.count(OutcomeStatus.UPLOADED) == 4
