"""Playlists of the sandbox by spotipy itself, into a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.errors import SourceRefused
from soundalike.crawler.sources.spotify import SpotifyTrack
from soundalike.crawler.sources.spotify_web_api import PAGE_SIZE
from soundalike.crawler.stats import Fate
from soundalike.db import playlists, tracks
from soundalike.db.tracks import State
from soundalike.domain.track_id import TrackId
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

from .conftest import FIRST, FIRST_ID, NOT_OFFERED, sums

if TYPE_CHECKING:
    from .conftest import Bench
else:
    Bench = Any


async def test_the_demo_playlist(bench: Bench) -> None:
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: 48}
    assert (await tracks.count_by_state(bench.pool))[State.QUEUED] == 48
    stored = await tracks.get(bench.pool, FIRST_ID)
    assert stored is not None
    assert (stored.preview_provider, stored.match_method) == ("spotify", "preview_url")
    assert (stored.track.title, stored.track.artists, stored.track.isrc) == (FIRST.title, (FIRST.artist,), FIRST.isrc)
    assert (stored.track.album, stored.track.duration_ms) == (FIRST.album, FIRST.duration_ms)
    assert set(bench.store.objects) == {preview_key(TrackId("spotify", piece.spotify_id), "mp3") for piece in pieces()}
    in_order = await playlists.tracks_of(bench.pool, f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    assert [track.key for track in in_order] == [p.spotify_id for p in sorted(pieces(), key=lambda piece: piece.index)]


async def test_every_page_is_asked_for_once_and_by_offset(bench: Bench) -> None:
    count = 2 * PAGE_SIZE + 1
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(generated_playlist(count).spotify_id)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: count}
    pages = [r.query for r in bench.server.sandbox.journal.read("/v1/") if r.path.endswith("/items")]
    assert [dict(pair.split("=") for pair in query.split("&"))["offset"] for query in pages] == ["0", "50", "100"]


@pytest.mark.parametrize("shape", list(PageShape))
async def test_the_awkward_playlist(bench: Bench, shape: PageShape) -> None:
    bench.server.sandbox.settings = SandboxSettings(page_shape=shape)
    crawl = bench.crawl()
    assert await crawl.run(bench.playlist(AWKWARD_PLAYLIST_ID)) is None
    assert sums(crawl.tally) == {Fate.SKIPPED: 5, Fate.NO_PREVIEW: 2, Fate.UPLOADED: 4}
    assert crawl.tally.by_reason[Fate.SKIPPED] == {
        "local file of the playlist's owner": 1,
        "episode": 1,
        "empty entry": 1,
        "taken down from Spotify": 1,
        "duplicate": 1,
    }
    assert crawl.tally.by_reason[Fate.NO_PREVIEW] == {NOT_OFFERED: 2}
    in_order = await playlists.tracks_of(bench.pool, f"spotify:playlist:{AWKWARD_PLAYLIST_ID}")
    plain, relinked, lower, _, _, last = pieces()[::8]
    without, empty = (entry.spotify_id for entry in awkward_playlist().entries[8:10])  # type: ignore[union-attr]
    listed = [piece.spotify_id for piece in (plain, plain, relinked, lower)]
    assert [track.key for track in in_order] == [*listed, without, empty, last.spotify_id]
    for piece in (relinked, lower):
        stored = await tracks.get(bench.pool, TrackId("spotify", piece.spotify_id))
        assert stored is not None
        assert stored.track.isrc == piece.isrc


async def test_a_playlist_of_somebody_else(bench: Bench) -> None:
    crawl = bench.crawl()
    stopped = await crawl.run(bench.playlist(FOREIGN_PLAYLIST_ID))
    assert isinstance(stopped, SourceRefused)
    assert sums(crawl.tally) == {}
    assert await playlists.get(bench.pool, f"spotify:playlist:{FOREIGN_PLAYLIST_ID}") is None


async def test_a_single_track(bench: Bench) -> None:
    crawl = bench.crawl()
    assert await crawl.run(SpotifyTrack(FIRST_ID, bench.api, bench.chain)) is None
    assert sums(crawl.tally) == {Fate.UPLOADED: 1}
    assert list(bench.store.objects) == [preview_key(FIRST_ID, "mp3")]
