from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.sniff import AudioKind
from soundalike.crawler.errors import PreviewMissing, PreviewUnavailable, PreviewUnusable
from soundalike.crawler.preview_hosts import HostList
from soundalike.crawler.previews.chain import PreviewChain
from soundalike.crawler.previews.deezer import DeezerPreviews
from soundalike.crawler.previews.provider import PreviewRequest
from soundalike.crawler.previews.spotify import SpotifyPreviews
from soundalike.crawler.services.deezer import DeezerApi
from soundalike.domain.track_id import TrackId
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.deezer_catalogue import AWKWARD_PLAYLIST
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.playlists import track as listed_track
from soundalike.sandbox.store_catalogues import Availability, availability

from .conftest import FAST_RETRY, RecordedLimiter, generated, spotify_track

if TYPE_CHECKING:
    import httpx

    from soundalike.db.tracks import Track
    from soundalike.sandbox.server import SandboxServer

PIECE = pieces()[0]
TRACK = spotify_track(listed_track(PIECE))
QUOTA = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}


def of_standing(expected: Availability) -> Track:
    return generated(next(number for number in range(20, 40) if availability(number) is expected))


def paths(stores: SandboxServer) -> list[str]:
    return [request.path.removeprefix("/deezer") for request in stores.sandbox.journal.read()]


async def test_the_address_that_came_with_the_track_is_first(chain: PreviewChain, stores: SandboxServer) -> None:
    preview = await chain.fetch(PreviewRequest(TRACK, f"{stores.url}/mp3-preview/{PIECE.preview_hash}"))
    assert preview.kind is AudioKind.MP3
    assert (preview.provenance.provider, preview.provenance.method) == ("spotify", "preview_url")
    assert paths(stores) == [f"/mp3-preview/{PIECE.preview_hash}"]


@pytest.mark.parametrize(
    ("how", "provider", "method", "kind"),
    [
        (Availability.BY_ISRC, "deezer", "isrc", AudioKind.MP3),
        (Availability.BY_SEARCH, "deezer", "search", AudioKind.MP3),
        (Availability.BY_WORDS, "deezer", "search", AudioKind.MP3),
        (Availability.WRONG_ISRC, "deezer", "search", AudioKind.MP3),
        (Availability.WITHOUT_PREVIEW, "itunes", "search", AudioKind.M4A),
        (Availability.ITUNES_ONLY, "itunes", "search", AudioKind.M4A),
    ],
)
async def test_one_provider_after_the_other_is_asked(
    chain: PreviewChain, how: Availability, provider: str, method: str, kind: AudioKind
) -> None:
    preview = await chain.offer(PreviewRequest(of_standing(how))).fetch()
    assert (preview.provenance.provider, preview.provenance.method, preview.kind) == (provider, method, kind)
    assert preview.provenance.provider_id is not None
    assert preview.provenance.score is not None
    assert 0.9 <= preview.provenance.score <= 1.0


async def test_apps_of_2026_find_most_of_a_playlist(chain: PreviewChain) -> None:
    results: Counter[str] = Counter()
    for number in range(100, 160):
        try:
            origin = (await chain.fetch(PreviewRequest(generated(number)))).provenance
        except PreviewMissing:
            results["nowhere"] += 1
        else:
            results[f"{origin.provider} {origin.method}"] += 1
    assert results == {"deezer isrc": 42, "deezer search": 9, "itunes search": 6, "nowhere": 3}


async def test_what_nobody_has_is_missing_with_every_reason(chain: PreviewChain) -> None:
    with pytest.raises(PreviewMissing) as caught:
        await chain.fetch(PreviewRequest(of_standing(Availability.NOWHERE)))
    assert caught.value.reason == "Spotify offers no preview; not found on Deezer; not found on iTunes"
    assert caught.value.providers == {"spotify", "deezer", "itunes"}


async def test_the_reason_names_who_was_not_asked(local_hosts: HostList, chain: PreviewChain) -> None:
    alone = PreviewChain([SpotifyPreviews(local_hosts)], chain.downloader, chain.tag_reader, ("Deezer", "iTunes"))
    with pytest.raises(PreviewMissing) as caught:
        await alone.fetch(PreviewRequest(TRACK))
    assert caught.value.reason == "Spotify offers no preview (Deezer and iTunes disabled)"
    assert caught.value.providers == {"spotify"}
    with pytest.raises(PreviewMissing, match="no preview provider"):
        await replace(alone, providers=()).fetch(PreviewRequest(TRACK))


async def test_without_a_preview_on_deezer_the_reason_says_so(
    deezer: DeezerApi, local_hosts: HostList, chain: PreviewChain
) -> None:
    with pytest.raises(PreviewMissing, match="Deezer offers no preview"):
        await replace(chain, providers=[DeezerPreviews(deezer, local_hosts)]).fetch(
            PreviewRequest(of_standing(Availability.WITHOUT_PREVIEW))
        )


async def test_a_provider_that_is_away_leaves_it_to_the_others(chain: PreviewChain, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/*", status=200, body=QUOTA, times=None))
    preview = await chain.fetch(PreviewRequest(of_standing(Availability.BY_ISRC)))
    assert preview.provenance.provider == "itunes"


async def test_a_provider_that_is_away_may_have_what_the_others_lack(
    chain: PreviewChain, stores: SandboxServer
) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/*", status=200, body=QUOTA, times=None))
    with pytest.raises(PreviewUnavailable, match="Quota limit exceeded") as caught:
        await chain.fetch(PreviewRequest(of_standing(Availability.NOWHERE)))
    assert caught.value.wait_s == 5.0


async def test_throttled_itunes_is_no_absence(chain: PreviewChain, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/itunes/search", status=403, body="", times=None))
    with pytest.raises(PreviewUnavailable, match="iTunes"):
        await chain.fetch(PreviewRequest(of_standing(Availability.ITUNES_ONLY)))


async def test_an_address_that_ran_out_is_asked_for_anew(
    chain: PreviewChain, deezer: DeezerApi, stores: SandboxServer
) -> None:
    stale = await deezer.by_isrc(PIECE.isrc)
    assert stale is not None
    stores.sandbox.deezer.signer.expire_all()
    stores.sandbox.journal.clear()
    preview = await chain.fetch(PreviewRequest(stale.track, stale.preview_url))
    assert preview.provenance.method == "id"
    statuses = [(request.path.split("/")[2], request.status) for request in stores.sandbox.journal.read()]
    assert statuses == [("preview", 403), ("track", 200), ("preview", 200)]


async def test_an_address_that_is_about_to_run_out_is_not_tried(
    deezer: DeezerApi, local_hosts: HostList, stores: SandboxServer
) -> None:
    known = await deezer.by_isrc(PIECE.isrc)
    assert known is not None
    stores.sandbox.journal.clear()
    late = DeezerPreviews(deezer, local_hosts, clock=lambda: 4e9)
    await late.find(PreviewRequest(known.track, known.preview_url))
    assert len(stores.sandbox.journal.read("/deezer/track/")) == 1


async def test_a_new_address_that_is_refused_too_is_no_absence(chain: PreviewChain, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/preview/*", status=403, body="", times=None))
    stores.sandbox.faults.add(Fault(path="/itunes/*", status=200, body={"resultCount": 0, "results": []}, times=None))
    with pytest.raises(PreviewUnavailable, match="403"):
        await chain.fetch(PreviewRequest(TRACK))


async def test_the_same_recording_under_another_id_is_heard(
    chain: PreviewChain, deezer: DeezerApi, stores: SandboxServer
) -> None:
    unheard = stores.sandbox.deezer.catalogue.playlist(AWKWARD_PLAYLIST)
    assert unheard is not None
    row = unheard[2][3]
    assert row is not None
    listed = await deezer.track(str(row.key))
    assert listed is not None
    assert listed.preview_url is None
    preview = await chain.fetch(PreviewRequest(replace(listed.track, isrc=None), None))
    assert preview.provenance.isrc == listed.track.isrc
    assert preview.provenance.method == "isrc"
    assert preview.provenance.provider_id != str(row.key)


async def test_what_a_row_of_a_list_lacks_is_learnt(chain: PreviewChain, deezer: DeezerApi) -> None:
    row = (await deezer.search(f"{PIECE.artist} {PIECE.title}"))[0]
    assert row.track.isrc is None
    preview = await chain.fetch(PreviewRequest(row.track, row.preview_url))
    assert preview.provenance.isrc == PIECE.isrc


async def test_the_hosts_of_one_provider_are_not_those_of_another(chain: PreviewChain, stores: SandboxServer) -> None:
    strict = replace(chain, providers=[SpotifyPreviews(HostList.parse("p.scdn.co")), *chain.providers[1:]])
    preview = await strict.fetch(PreviewRequest(TRACK, f"{stores.url}/mp3-preview/{PIECE.preview_hash}"))
    assert preview.provenance.provider == "deezer"
    assert not stores.sandbox.journal.read("/mp3-preview/")


async def test_what_is_no_audio_anywhere_is_unusable(chain: PreviewChain, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/preview/*", status=200, body="<html>not music</html>", times=None))
    stores.sandbox.faults.add(Fault(path="/itunes/preview/*", status=200, body="<html>not music</html>", times=None))
    with pytest.raises(PreviewUnusable, match="audio"):
        await chain.fetch(PreviewRequest(TRACK))


async def test_a_moment_of_trouble_is_waited_out(chain: PreviewChain, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/preview/*", status=503, body="", times=2))
    assert (await chain.fetch(PreviewRequest(TRACK))).provenance.provider == "deezer"


async def test_karaoke_and_mixed_cuts_are_not_taken(chain: PreviewChain, stores: SandboxServer) -> None:
    store_, songs = stores.sandbox.deezer.catalogue, stores.sandbox.itunes.songs
    original = store_.by_isrc(PIECE.isrc)
    assert original is not None
    store_.add(replace(original, isrc="ZZOTH0000001", version="(Karaoke Version)"))
    song = next(song for song in songs.values() if song.title == PIECE.title)
    songs[song.key] = replace(song, title=f"{song.title} (Mixed)")
    with pytest.raises(PreviewMissing):
        await chain.fetch(PreviewRequest(TRACK))


async def test_tracks_of_other_sources_are_found_too(chain: PreviewChain) -> None:
    track = replace(TRACK, id=TrackId("soundcloud", "77"))
    assert (await chain.fetch(PreviewRequest(track))).provenance.method == "isrc"


async def test_a_track_without_artist_is_not_searched_for(chain: PreviewChain) -> None:
    with pytest.raises(PreviewMissing):
        await chain.fetch(PreviewRequest(replace(TRACK, artists=(), isrc=None)))


async def test_nobody_there(web: httpx.AsyncClient, local_hosts: HostList, chain: PreviewChain) -> None:
    away = DeezerPreviews(DeezerApi.create("http://127.0.0.1:9/", web, RecordedLimiter(), FAST_RETRY), local_hosts)
    with pytest.raises(PreviewUnavailable, match="could not be reached"):
        await replace(chain, providers=[away]).fetch(PreviewRequest(TRACK))
