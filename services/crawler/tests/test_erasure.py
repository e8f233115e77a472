"""Forgetting through the whole crawler: previews go too, and crawls bring nothing back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from soundalike.audio.clip import CLIP_KIND
from soundalike.crawler.entries import Preview, Provenance, TrackEntry
from soundalike.crawler.erasure import Subject, find_releases, forget, forget_releases, isrcs_of, parse_subject
from soundalike.crawler.errors import InvalidTarget, SourceRefused
from soundalike.crawler.policy import BLOCKED, CrawlPolicy
from soundalike.crawler.resume import PlaylistCheckpoint
from soundalike.crawler.stats import OutcomeStatus
from soundalike.db import playlists, track_states, tracks
from soundalike.db.tracks import State, Track
from soundalike.domain.track_id import TrackId
from soundalike.sandbox.catalogue import pieces, spotify_id
from soundalike.sandbox.playlists import DEMO_PLAYLIST_ID
from soundalike.storage.object_keys import preview_key
from soundalike.testing.database_text import columns_with

if TYPE_CHECKING:
    from .conftest import CrawlFixture
else:
    CrawlFixture = Any

KEY = "37i9dQZF1DXcBWIGoYBM5M"
FIRST = TrackId("spotify", pieces()[0].spotify_id)
ARTIST = f"spotify:artist:{spotify_id('artist', pieces()[0].artist)}"


@dataclass
class OfDeezer:
    """A preview of which Deezer tells the code."""

    isrc: str

    async def fetch(self) -> Preview:
        return Preview(b"audio", CLIP_KIND, Provenance("deezer", "search", "7", 1.0, self.isrc))


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (KEY, Subject("track", f"spotify:track:{KEY}")),
        (f" https://open.spotify.com/intl-de/track/{KEY}?si=1 ", Subject("track", f"spotify:track:{KEY}")),
        ("deezer:track:7", Subject("track", "deezer:track:7")),
        (f"https://open.spotify.com/artist/{KEY}", Subject("artist", f"spotify:artist:{KEY}")),
        ("https://www.deezer.com/de/artist/27", Subject("artist", "deezer:artist:27")),
        ("soundcloud:users:9", Subject("user", "soundcloud:users:9")),
        ("https://open.spotify.com/user/some.body", Subject("user", "spotify:user:some.body")),
        (f"https://open.spotify.com/playlist/{KEY}", Subject("playlist", f"spotify:playlist:{KEY}")),
        (f"spotify:album:{KEY}", Subject("playlist", f"spotify:album:{KEY}")),
        ("spotify:user:me:collection", Subject("playlist", "spotify:user:me:collection")),
    ],
)
async def test_what_people_paste(crawler: CrawlFixture, text: str, subject: Subject) -> None:
    assert await parse_subject(crawler.pool, text) == subject


@pytest.mark.parametrize("text", ["", "nonsense", "spotify:artist:short", "https://example.org/artist/1"])
async def test_anything_else_is_refused_with_the_forms_that_are_not(crawler: CrawlFixture, text: str) -> None:
    with pytest.raises(InvalidTarget, match="soundcloud:users"):
        await parse_subject(crawler.pool, text)


async def test_a_track_and_its_preview_go_and_stay_away(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    done = await forget(crawler.pool, crawler.store, Subject("track", FIRST.urn))
    assert (done.tracks, done.previews) == (1, 1)
    assert not [key for key in crawler.store.objects if FIRST.key in key]
    assert (await forget(crawler.pool, crawler.store, Subject("track", FIRST.urn))).previews == 0
    await crawler.pool.execute("UPDATE playlists SET snapshot_id = 'another'")
    again = crawler.crawl(retry_rejected=True, retry_missing=True)
    assert await again.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED][BLOCKED] == 1
    assert again.stats.finished == 48
    assert FIRST not in await playlists.tracks_of(crawler.pool, f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    assert not [key for key in crawler.store.objects if FIRST.key in key]


async def test_an_artist_goes_with_everything_and_stays_away(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    done = await forget(crawler.pool, crawler.store, Subject("artist", ARTIST))
    assert (done.tracks, done.previews) == (2, 2)
    await crawler.pool.execute("DELETE FROM playlists")
    await crawler.pool.execute("DELETE FROM tracks")
    again = crawler.crawl()
    assert await again.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {BLOCKED: 2}
    assert await tracks.get(crawler.pool, FIRST) is None


async def test_a_recording_goes_by_its_code_and_no_other_release_brings_it_back(crawler: CrawlFixture) -> None:
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    done = await forget_releases(crawler.pool, crawler.store, [pieces()[0].isrc])
    assert (done.tracks, done.previews) == (1, 1)
    assert not [key for key in crawler.store.objects if FIRST.key in key]
    await crawler.pool.execute("DELETE FROM playlists")
    await crawler.pool.execute("DELETE FROM tracks")
    again = crawler.crawl()
    assert await again.run(crawler.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.stats.by_reason[OutcomeStatus.SKIPPED] == {BLOCKED: 1}
    assert again.stats.count(OutcomeStatus.UPLOADED) == 47
    assert await tracks.get(crawler.pool, FIRST) is None


async def test_a_code_that_only_the_provider_tells_is_heeded(crawler: CrawlFixture) -> None:
    await forget_releases(crawler.pool, crawler.store, ["ZZAAA2600001"])
    track = Track(TrackId("spotify", "0" * 22), "Song", ("Band",))
    outcome = await crawler.crawl().ingest.process(TrackEntry(0, "Band - Song", track, OfDeezer("ZZAAA2600001")))
    assert (outcome.status, outcome.reason) == (OutcomeStatus.SKIPPED, BLOCKED)
    assert crawler.store.objects == {}
    stored = await tracks.get(crawler.pool, track.id)
    assert stored is not None
    assert (stored.state, stored.track.title) == (State.FORGOTTEN, "")


async def test_what_was_known_before_its_code_was_goes_when_it_is_told(crawler: CrawlFixture) -> None:
    await tracks.upsert(crawler.pool, Track(FIRST, "as of an earlier crawl that knew no code"))
    await forget_releases(crawler.pool, crawler.store, [pieces()[0].isrc])
    assert (await track_states.count_by_state(crawler.pool))[State.PENDING] == 1
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    stored = await tracks.get(crawler.pool, FIRST)
    assert stored is not None
    assert stored.state is State.FORGOTTEN


async def test_a_name_means_what_is_called_so_and_what_shares_its_code(crawler: CrawlFixture) -> None:
    for number, (title, code) in enumerate(
        [("Song", "ZZAAA2600001"), ("Song (Remastered)", None), ("Piosenka", "ZZAAA2600001"), ("Song (Live)", None)]
    ):
        await tracks.upsert(crawler.pool, Track(TrackId("deezer", str(number + 1)), title, ("Band",), isrc=code))
    results = await find_releases(crawler.pool, "song", "the band")
    assert sorted(each.track.id.key for each in results) == ["1", "2", "3"]
    assert isrcs_of(results) == ["ZZAAA2600001"]
    assert await find_releases(crawler.pool, "Piosenka Inna", "band") == []


async def test_a_playlist_goes_and_is_not_crawled_again(crawler: CrawlFixture) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert (await forget(crawler.pool, crawler.store, Subject("playlist", urn))).tracks == 0
    stopped = await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert isinstance(stopped, SourceRefused)
    assert "forgotten on request" in str(stopped)
    done = await forget(crawler.pool, crawler.store, Subject("playlist", urn), with_tracks=True)
    assert done.tracks == 0
    assert (await track_states.count_by_state(crawler.pool))[State.QUEUED] == 48


async def test_a_playlist_goes_with_its_tracks_where_that_is_wanted(crawler: CrawlFixture) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await crawler.crawl().run(crawler.playlist(DEMO_PLAYLIST_ID))
    done = await forget(crawler.pool, crawler.store, Subject("playlist", urn), with_tracks=True)
    assert (done.tracks, done.previews) == (48, 48)
    assert crawler.store.objects == {}


async def test_of_what_nobody_knows_nothing_is_counted_and_it_is_blocked_ahead(crawler: CrawlFixture) -> None:
    for subject in (Subject("track", FIRST.urn), Subject("artist", ARTIST), Subject("user", "soundcloud:users:9")):
        done = await forget(crawler.pool, crawler.store, subject)
        assert (done.tracks, done.previews, done.was_known) == (0, 0, False)
    crawl = crawler.crawl()
    await crawl.run(crawler.playlist(DEMO_PLAYLIST_ID))
    assert crawl.stats.by_reason[OutcomeStatus.SKIPPED] == {BLOCKED: 2}


async def test_a_preview_without_a_row_counts_as_known(crawler: CrawlFixture) -> None:
    await crawler.store.put(preview_key(FIRST, "mp3"), b"audio", "audio/mpeg")
    done = await forget(crawler.pool, crawler.store, Subject("track", FIRST.urn))
    assert (done.tracks, done.previews, done.was_known) == (0, 1, True)


async def test_a_crawl_notes_no_name_of_what_was_forgotten(crawler: CrawlFixture) -> None:
    await forget(crawler.pool, crawler.store, Subject("track", FIRST.urn))
    source = crawler.playlist(DEMO_PLAYLIST_ID)
    playlist = await source.playlist()
    assert playlist is not None
    reading = await PlaylistCheckpoint.load(crawler.pool, CrawlPolicy(), playlist)
    async for entry in source.entries():
        if isinstance(entry, TrackEntry):
            await reading.add(entry.position, await crawler.crawl().ingest.process(entry))
    await reading.save()
    assert await crawler.pool.fetchval("SELECT count(*) FROM playlist_readings WHERE reason = $1", BLOCKED) == 1
    assert await columns_with(crawler.pool, pieces()[0].title) == set()
    assert await columns_with(crawler.pool, pieces()[1].title) >= {"playlist_readings.label", "tracks.title"}
