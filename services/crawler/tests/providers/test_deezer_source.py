from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.entries import DeferredEntry, SkippedEntry, TrackEntry
from soundalike.crawler.errors import InvalidTarget, SourceRefused, SourceUnavailable
from soundalike.crawler.sources.deezer import DeezerList
from soundalike.crawler.sources.deezer_address import DeezerTarget
from soundalike.http.errors import QuotaExhausted, ServiceUnavailable
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import (
    AWKWARD_PLAYLIST,
    DEMO_PLAYLIST,
    GENERATED_PLAYLISTS,
    album_key,
    artist_key,
)
from soundalike.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.entries import Entry
    from soundalike.crawler.previews.chain import PreviewChain
    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.sandbox.server import SandboxServer

PIECE = pieces()[0]
QUOTA = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}


@pytest.fixture
def listed(deezer: DeezerApi, chain: PreviewChain) -> Callable[[str, int], DeezerList]:
    return lambda kind, key: DeezerList(DeezerTarget(kind, str(key)), deezer, chain)


async def all_of(source: DeezerList, start: int = 0) -> list[Entry]:
    return [entry async for entry in source.entries(start)]


async def test_a_playlist_page_by_page(listed: Callable[[str, int], DeezerList], stores: SandboxServer) -> None:
    source = listed("playlist", GENERATED_PLAYLISTS + 240)
    playlist = await source.playlist()
    assert playlist is not None
    assert (playlist.urn, playlist.title) == (f"deezer:playlist:{GENERATED_PLAYLISTS + 240}", "240 generated tracks")
    entries = await all_of(source)
    # Of each twenty, Deezer lacks two.
    assert len(entries) == source.total == 216
    assert [entry.position for entry in entries if isinstance(entry, TrackEntry)] == list(range(216))
    assert len(stores.sandbox.journal.read("/deezer/playlist/")) == 4


async def test_the_version_of_a_playlist_is_its_checksum(
    listed: Callable[[str, int], DeezerList], stores: SandboxServer
) -> None:
    before = await listed("playlist", DEMO_PLAYLIST).playlist()
    again = await listed("playlist", DEMO_PLAYLIST).playlist()
    assert len(stores.sandbox.journal.read()) == 2
    title, _, rows = stores.sandbox.deezer.catalogue.playlist(DEMO_PLAYLIST) or ("", "", ())
    stores.sandbox.deezer.catalogue.add_playlist(DEMO_PLAYLIST, title, rows[1:])
    after = await listed("playlist", DEMO_PLAYLIST).playlist()
    assert before is not None
    assert again is not None
    assert after is not None
    assert before.snapshot_id == again.snapshot_id != after.snapshot_id


async def test_a_crawl_can_go_on_in_the_middle(listed: Callable[[str, int], DeezerList]) -> None:
    entries = await all_of(listed("playlist", DEMO_PLAYLIST), start=45)
    assert [entry.position for entry in entries if isinstance(entry, TrackEntry)] == [45, 46, 47]


async def test_what_stands_in_an_awkward_playlist(listed: Callable[[str, int], DeezerList]) -> None:
    entries = await all_of(listed("playlist", AWKWARD_PLAYLIST))
    assert [type(entry) for entry in entries] == [
        TrackEntry,
        SkippedEntry,
        SkippedEntry,
        TrackEntry,
        TrackEntry,
        TrackEntry,
        TrackEntry,
    ]
    assert [entry.reason for entry in entries if isinstance(entry, SkippedEntry)] == [
        "empty entry",
        "taken down from Deezer",
    ]
    results = [entry for entry in entries if isinstance(entry, TrackEntry)]
    assert results[0].track.id == results[-1].track.id
    providers = [(await one.offer.fetch()).provenance.provider for one in results]
    assert providers == ["deezer"] * 5


async def test_an_album_and_its_codes(listed: Callable[[str, int], DeezerList], stores: SandboxServer) -> None:
    one = stores.sandbox.deezer.catalogue.by_isrc(PIECE.isrc)
    assert one is not None
    source = listed("album", album_key(one))
    playlist = await source.playlist()
    assert playlist is not None
    assert playlist.title == PIECE.album
    tracks = [entry.track for entry in await all_of(source) if isinstance(entry, TrackEntry)]
    assert PIECE.isrc in {track.isrc for track in tracks}
    assert {track.album for track in tracks} == {PIECE.album}


async def test_the_top_tracks_of_an_artist(listed: Callable[[str, int], DeezerList]) -> None:
    source = listed("artist", artist_key(PIECE.artist))
    playlist = await source.playlist()
    assert playlist is not None
    assert playlist.title == f"{PIECE.artist}: top tracks"
    tracks = [entry.track for entry in await all_of(source) if isinstance(entry, TrackEntry)]
    assert tracks
    assert {track.artists for track in tracks} == {(PIECE.artist,)}


async def test_a_single_track(listed: Callable[[str, int], DeezerList], stores: SandboxServer) -> None:
    one = stores.sandbox.deezer.catalogue.by_isrc(PIECE.isrc)
    assert one is not None
    source = listed("track", one.key)
    assert await source.playlist() is None
    (entry,) = await all_of(source)
    assert isinstance(entry, DeferredEntry)
    results = await entry.read()
    assert isinstance(results, TrackEntry)
    assert results.track.isrc == PIECE.isrc
    assert (await results.offer.fetch()).provenance.method == "id"


async def test_what_is_not_there_is_refused(listed: Callable[[str, int], DeezerList]) -> None:
    with pytest.raises(SourceRefused, match="playlist 77"):
        await listed("playlist", 77).playlist()


async def test_a_spent_quota_comes_to_its_end(listed: Callable[[str, int], DeezerList], stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="*/tracks", status=200, body=QUOTA, times=None))
    with pytest.raises(ServiceUnavailable, match="Quota"):
        await all_of(listed("playlist", DEMO_PLAYLIST))


async def test_a_long_wait_stops_the_run(listed: Callable[[str, int], DeezerList], stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="*", status=429, headers={"Retry-After": "7200"}, body=""))
    with pytest.raises(QuotaExhausted) as caught:
        await listed("playlist", DEMO_PLAYLIST).playlist()
    assert caught.value.wait_s == 7200


async def test_a_list_that_ends_too_soon_is_not_taken_for_whole(
    listed: Callable[[str, int], DeezerList], stores: SandboxServer
) -> None:
    body: dict[str, Any] = {"data": [], "total": 48}
    stores.sandbox.faults.add(Fault(path="*/tracks", status=200, body=body, times=None))
    with pytest.raises(SourceUnavailable, match="48 tracks but returned only 0"):
        await all_of(listed("playlist", DEMO_PLAYLIST))


async def test_a_list_that_does_not_tell_its_length(
    listed: Callable[[str, int], DeezerList], stores: SandboxServer
) -> None:
    row = {"id": 5, "title": "x", "artist": {"name": "y"}}
    stores.sandbox.faults.add(Fault(path="*/tracks", status=200, body={"data": [row], "next": "http://elsewhere/x"}))
    stores.sandbox.faults.add(Fault(path="*/tracks", status=200, body={"data": [row]}))
    source = listed("playlist", DEMO_PLAYLIST)
    assert len(await all_of(source)) == 2
    assert source.total == 2


@pytest.mark.parametrize(
    ("text", "urn"),
    [
        ("https://www.deezer.com/playlist/908622995", "deezer:playlist:908622995"),
        ("https://www.deezer.com/en/playlist/908622995?utm_source=x", "deezer:playlist:908622995"),
        ("deezer.com/pt-br/album/302127/", "deezer:album:302127"),
        ("http://deezer.com/artist/27/top_track", "deezer:artist:27"),
        ("https://www.deezer.com/de/track/3135556", "deezer:track:3135556"),
        (" deezer:artist:27 ", "deezer:artist:27"),
    ],
)
def test_what_people_paste(text: str, urn: str) -> None:
    assert DeezerTarget.parse(text).urn == urn


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://www.deezer.com/",
        "https://www.deezer.com/profile/5",
        "https://www.deezer.com/playlist/0",
        "https://www.deezer.com/playlist/5/6",
        "https://www.deezer.com.example.org/playlist/5",
        "https://user@www.deezer.com/playlist/5",
        "deezer:playlist:x",
        "deezer:user:5",
        "deezer:playlist:" + "9" * 20,
    ],
)
def test_what_names_no_list(text: str) -> None:
    with pytest.raises(InvalidTarget, match=r"deezer\.com address"):
        DeezerTarget.parse(text)


def test_a_short_link_is_not_followed() -> None:
    with pytest.raises(InvalidTarget, match="open it in a browser"):
        DeezerTarget.parse("https://link.deezer.com/s/30abcDEF")
