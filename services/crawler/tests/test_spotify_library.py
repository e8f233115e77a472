"""The user's own library and albums of the sandbox, and the tokens that are needed for them."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from soundalike.crawler.crawl import UNCHANGED
from soundalike.crawler.sources.spotify import SavedTracks, SpotifyAlbum, playlists_of_user
from soundalike.crawler.sources.spotify_address import AlbumId
from soundalike.crawler.sources.spotify_web_api import SpotifyWebApi
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import ServiceRefused
from soundalike.sandbox.catalogue import pieces, spotify_id
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import AWKWARD_PLAYLIST_ID, DEMO_PLAYLIST_ID, FOREIGN_PLAYLIST_ID, track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundalike.crawler.settings import SpotifyAccess
    from soundalike.sandbox.server import SandboxServer

    from .conftest import CrawlFixture
else:
    CrawlFixture = Any

COLLECTION = "spotify:user:soundalike-sandbox:collection"
ALBUM = AlbumId(spotify_id("album", pieces()[0].artist, pieces()[0].album))


@pytest.fixture
def personal(access: SpotifyAccess, recorded_sleep: Any) -> Iterator[SpotifyWebApi]:
    mine = replace(access, refresh_token=SecretStr("sandbox-refresh"))
    with SpotifyWebApi(mine, limiter=recorded_sleep) as api:
        yield api


async def test_what_the_user_saved(crawler: CrawlFixture, personal: SpotifyWebApi) -> None:
    crawl = crawler.crawl()
    assert await crawl.run(SavedTracks(personal, crawler.chain)) is None
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 3
    assert [t.key for t in await playlists.tracks_of(crawler.pool, COLLECTION)] == [p.spotify_id for p in pieces()[:3]]
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    assert await again.run(SavedTracks(personal, crawler.chain)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {UNCHANGED: 3}
    saved = crawler.server.sandbox.library.saved_tracks
    saved.insert(0, track(pieces()[9]))
    del saved[2]
    more = crawler.crawl()
    assert await more.run(SavedTracks(personal, crawler.chain)) is None
    assert (more.stats.count(OutcomeStatus.UPLOADED), more.stats.finished) == (1, 3)


async def test_an_app_alone_has_no_library(crawler: CrawlFixture) -> None:
    stopped = await crawler.crawl().run(SavedTracks(crawler.api, crawler.chain))
    assert isinstance(stopped, ServiceRefused)
    assert "soundalike login spotify" in str(stopped)
    assert not crawler.server.sandbox.journal.read("/v1/")


async def test_a_user_who_allowed_less(crawler: CrawlFixture, access: SpotifyAccess, recorded_sleep: Any) -> None:
    less = crawler.server.sandbox.grants.refresh_token_for(frozenset({"playlist-read-private"}))
    with SpotifyWebApi(replace(access, refresh_token=SecretStr(less)), limiter=recorded_sleep) as api:
        stopped = await crawler.crawl().run(SavedTracks(api, crawler.chain))
    assert isinstance(stopped, ServiceRefused)
    assert "403 Insufficient client scope" in str(stopped)


async def test_the_playlists_of_the_user(personal: SpotifyWebApi) -> None:
    listed = {playlist.key for playlist in await playlists_of_user(personal)}
    assert listed == {DEMO_PLAYLIST_ID, AWKWARD_PLAYLIST_ID, FOREIGN_PLAYLIST_ID}


async def test_an_album_is_read_track_by_track_for_the_sake_of_the_isrc(crawler: CrawlFixture) -> None:
    crawl = crawler.crawl()
    assert await crawl.run(SpotifyAlbum(ALBUM, crawler.api, crawler.chain)) is None
    listed = await playlists.tracks_of(crawler.pool, ALBUM.urn)
    assert TrackId("spotify", pieces()[0].spotify_id) in listed
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == len(listed) == 2
    isrcs = await crawler.pool.fetchval("SELECT count(*) FROM tracks WHERE isrc IS NOT NULL")
    assert isrcs == 2
    crawler.server.sandbox.journal.clear()
    again = crawler.crawl()
    await again.run(SpotifyAlbum(ALBUM, crawler.api, crawler.chain))
    assert len(crawler.server.sandbox.journal.read("/v1/")) == 1


@pytest.mark.parametrize(
    ("fault", "status"), [(Fault(path="", status=404), "skipped"), (Fault(path="", status=500, times=None), "failed")]
)
async def test_one_track_of_an_album_that_cannot_be_read(crawler: CrawlFixture, fault: Fault, status: str) -> None:
    crawler.server.sandbox.faults.add(fault.model_copy(update={"path": f"/v1/tracks/{pieces()[0].spotify_id}"}))
    crawl = crawler.crawl()
    assert await crawl.run(SpotifyAlbum(ALBUM, crawler.api, crawler.chain)) is None
    assert crawl.stats.count(OutcomeStatus(status)) == 1
    assert crawl.stats.count(OutcomeStatus.UPLOADED) == 1
    # Nobody knows what stands at a place that could not be read this time.
    assert (await playlists.get(crawler.pool, ALBUM.urn) is None) is (status == "failed")


async def test_a_client_without_secret_keeps_the_token_it_is_given_next(
    server: SandboxServer, access: SpotifyAccess, recorded_sleep: Any, tmp_path: Path
) -> None:
    file = tmp_path / "spotify.json"
    file.write_text(json.dumps({"client_id": "sandbox", "refresh_token": "sandbox-refresh"}))
    public = replace(access, client_secret=None, refresh_token=SecretStr("sandbox-refresh"), token_file=file)
    with SpotifyWebApi(public, limiter=recorded_sleep) as api:
        await api.user()
        server.sandbox.tokens.expire_all()
        await api.user()
    remaining = json.loads(file.read_text())["refresh_token"]
    assert remaining != "sandbox-refresh"
    assert server.sandbox.grants.refreshable_scopes(remaining) is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_token_that_another_crawler_renewed_is_taken_from_the_file(
    server: SandboxServer, access: SpotifyAccess, recorded_sleep: Any, tmp_path: Path
) -> None:
    file = tmp_path / "spotify.json"
    file.write_text(json.dumps({"client_id": "sandbox", "refresh_token": "sandbox-refresh"}))
    public = replace(access, client_secret=None, refresh_token=SecretStr("sandbox-refresh"), token_file=file)
    with (
        SpotifyWebApi(public, limiter=recorded_sleep) as first,
        SpotifyWebApi(public, limiter=recorded_sleep) as second,
    ):
        await first.user()
        await second.user()
    file.unlink()
    with (
        SpotifyWebApi(public, limiter=recorded_sleep) as third,
        pytest.raises(ServiceRefused, match="soundalike login spotify"),
    ):
        await third.user()


async def test_a_foreign_next_is_never_asked_with_the_token(crawler: CrawlFixture) -> None:
    key = DEMO_PLAYLIST_ID
    page = {"items": [], "total": 1, "next": f"{crawler.server.url}/elsewhere?offset=50"}
    crawler.server.sandbox.faults.add(Fault(path="/v1/playlists/*/items", status=200, body=page))
    await crawler.crawl().run(crawler.playlist(key))
    assert not crawler.server.sandbox.journal.read("/elsewhere")


async def test_a_refusal_with_an_empty_body(crawler: CrawlFixture) -> None:
    crawler.server.sandbox.faults.add(Fault(path="/v1/playlists/*", status=403, body=""))
    stopped = await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert isinstance(stopped, ServiceRefused)
    assert str(stopped).startswith("Spotify answered 403: since 2026")
