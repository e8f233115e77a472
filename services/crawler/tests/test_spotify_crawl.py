"""Playlists of the sandbox by spotipy itself, into a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.sources.spotify import SpotifyTrack
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists, track_states, tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import ServiceRefused
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.playlists import (
    AWKWARD_PLAYLIST_ID,
    DEMO_PLAYLIST_ID,
    FOREIGN_PLAYLIST_ID,
    awkward_playlist,
    generated_playlist,
)
from soundalike.sandbox.settings import PageShape, SandboxSettings
from soundalike.storage.object_keys import preview_key

from .conftest import FIRST, FIRST_ID, NOT_OFFERED, counts_by_status

if TYPE_CHECKING:
    from .conftest import CrawlFixture
else:
    CrawlFixture = Any


async def test_the_demo_playlist(crawler: CrawlFixture) -> None:
    crawl = crawler.crawl()
    assert await crawl.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 48}
    assert (await track_states.count_by_state(crawler.pool))[State.QUEUED] == 48
    stored = await tracks.get(crawler.pool, FIRST_ID)
    assert stored is not None
    assert (stored.preview_provider, stored.match_method) == ("spotify", "preview_url")
    assert (stored.track.title, stored.track.artists, stored.track.isrc) == (FIRST.title, (FIRST.artist,), FIRST.isrc)
    assert (stored.track.album, stored.track.duration_ms) == (FIRST.album, FIRST.duration_ms)
    assert set(crawler.store.objects) == {
        preview_key(TrackId("spotify", piece.spotify_id), "mp3") for piece in pieces()
    }
    in_order = await playlists.tracks_of(crawler.pool, f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    assert [track.key for track in in_order] == [p.spotify_id for p in sorted(pieces(), key=lambda piece: piece.index)]


async def test_every_page_is_asked_for_once_and_by_offset(crawler: CrawlFixture) -> None:
    count = 2 * PAGE_SIZE + 1
    crawl = crawler.crawl()
    assert await crawl.run(crawler.playlist(generated_playlist(count).spotify_id)) is None
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: count}
    pages = [r.query for r in crawler.server.sandbox.journal.read("/v1/") if r.path.endswith("/items")]
    assert [dict(pair.split("=") for pair in query.split("&"))["offset"] for query in pages] == ["0", "50", "100"]


@pytest.mark.parametrize("shape", list(PageShape))
async def test_the_awkward_playlist(crawler: CrawlFixture, shape: PageShape) -> None:
    crawler.server.sandbox.settings = SandboxSettings(page_shape=shape)
    crawl = crawler.crawl()
    assert await crawl.run(crawler.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert counts_by_status(crawl.stats) == {
        OutcomeStatus.SKIPPED: 5,
        OutcomeStatus.NO_PREVIEW: 2,
        OutcomeStatus.UPLOADED: 4,
    }
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {
        "local file of the playlist's owner": 1,
        "episode": 1,
        "empty entry": 1,
        "taken down from Spotify": 1,
        "duplicate": 1,
    }
    assert crawl.stats.by_reason[OutcomeStatus.NO_PREVIEW] == {NOT_OFFERED: 2}
    in_order = await playlists.tracks_of(crawler.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}")
    plain, relinked, lower, _, _, last = pieces()[::8]
    without, empty = (entry.spotify_id for entry in awkward_playlist().entries[8:10])  # type: ignore[union-attr]
    listed = [piece.spotify_id for piece in (plain, plain, relinked, lower)]
    assert [track.key for track in in_order] == [*listed, without, empty, last.spotify_id]
    for piece in (relinked, lower):
        stored = await tracks.get(crawler.pool, TrackId("spotify", piece.spotify_id))
        assert stored is not None
        assert stored.track.isrc == piece.isrc


async def test_a_playlist_of_somebody_else(crawler: CrawlFixture) -> None:
    crawl = crawler.crawl()
    stopped = await crawl.run(crawler.playlist(FOREIGN_PLAYLIST_ID))
    assert isinstance(stopped, ServiceRefused)
    assert counts_by_status(crawl.stats) == {}
    assert await playlists.get(crawler.pool, f"spotify:playlist:{FOREIGN_PLAYLIST_ID}") is None


async def test_a_single_track(crawler: CrawlFixture) -> None:
    crawl = crawler.crawl()
    assert await crawl.run(SpotifyTrack(FIRST_ID, crawler.api, crawler.chain)) is None
    assert counts_by_status(crawl.stats) == {OutcomeStatus.UPLOADED: 1}
    assert list(crawler.store.objects) == [preview_key(FIRST_ID, "mp3")]
