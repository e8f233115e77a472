"""Forgetting through the whole crawler: previews go too, and crawls bring nothing back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog import playlists, tracks
from catalog.track_id import TrackId
from catalog.tracks import State
from crawler.errors import InvalidTarget, SourceRefused
from crawler.forgetting import Subject, forget, recognise
from crawler.policy import TO_BE_FORGOTTEN
from crawler.tally import Fate
from sandbox.catalogue import pieces, spotify_id
from sandbox.playlists import DEMO_PLAYLIST_ID

if TYPE_CHECKING:
    from .conftest import Bench
else:
    Bench = Any

KEY = "37i9dQZF1DXcBWIGoYBM5M"
FIRST = TrackId("spotify", pieces()[0].spotify_id)
ARTIST = f"spotify:artist:{spotify_id('artist', pieces()[0].artist)}"


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
async def test_what_people_paste(bench: Bench, text: str, subject: Subject) -> None:
    assert await recognise(bench.pool, text) == subject


@pytest.mark.parametrize("text", ["", "nonsense", "spotify:artist:short", "https://example.org/artist/1"])
async def test_anything_else_is_refused_with_the_forms_that_are_not(bench: Bench, text: str) -> None:
    with pytest.raises(InvalidTarget, match="soundcloud:users"):
        await recognise(bench.pool, text)


async def test_a_track_and_its_preview_go_and_stay_away(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    done = await forget(bench.pool, bench.store, Subject("track", FIRST.urn))
    assert (done.tracks, done.previews) == (1, 1)
    assert not [key for key in bench.store.objects if FIRST.key in key]
    assert (await forget(bench.pool, bench.store, Subject("track", FIRST.urn))).previews == 0
    await bench.pool.execute("UPDATE playlists SET snapshot_id = 'another'")
    again = bench.crawl(retry_rejected=True, retry_missing=True)
    assert await again.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.tally.by_reason[Fate.SKIPPED][TO_BE_FORGOTTEN] == 1
    assert again.tally.found == 48
    assert FIRST not in await playlists.tracks_of(bench.pool, f"spotify:playlist:{DEMO_PLAYLIST_ID}")
    assert not [key for key in bench.store.objects if FIRST.key in key]


async def test_an_artist_goes_with_everything_and_stays_away(bench: Bench) -> None:
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    done = await forget(bench.pool, bench.store, Subject("artist", ARTIST))
    assert (done.tracks, done.previews) == (2, 2)
    await bench.pool.execute("DELETE FROM playlists")
    await bench.pool.execute("DELETE FROM tracks")
    again = bench.crawl()
    assert await again.run(bench.playlist(DEMO_PLAYLIST_ID)) is None
    assert again.tally.by_reason[Fate.SKIPPED] == {TO_BE_FORGOTTEN: 2}
    assert await tracks.get(bench.pool, FIRST) is None


async def test_a_playlist_goes_and_is_not_crawled_again(bench: Bench) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    assert (await forget(bench.pool, bench.store, Subject("playlist", urn))).tracks == 0
    stopped = await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    assert isinstance(stopped, SourceRefused)
    assert "to be forgotten" in str(stopped)
    done = await forget(bench.pool, bench.store, Subject("playlist", urn), with_tracks=True)
    assert done.tracks == 0
    assert (await tracks.count_by_state(bench.pool))[State.QUEUED] == 48


async def test_a_playlist_goes_with_its_tracks_where_that_is_wanted(bench: Bench) -> None:
    urn = f"spotify:playlist:{DEMO_PLAYLIST_ID}"
    await bench.crawl().run(bench.playlist(DEMO_PLAYLIST_ID))
    done = await forget(bench.pool, bench.store, Subject("playlist", urn), with_tracks=True)
    assert (done.tracks, done.previews) == (48, 48)
    assert bench.store.objects == {}
