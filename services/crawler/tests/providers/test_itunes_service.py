from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.errors import ServiceUnavailable
from soundalike.crawler.services.itunes import parse_songs
from soundalike.crawler.services.web_service import TransientFailure
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.services.itunes import ITunesApi
    from soundalike.sandbox.server import SandboxServer

    from .conftest import RecordedLimiter

PIECE = pieces()[0]


def test_a_recorded_reply(recorded: Callable[[str], Any]) -> None:
    songs = parse_songs(recorded("itunes-lookup-album-songs-us.json"))
    assert len(songs) == 6
    first = songs[0]
    assert first.key == "1728639279"
    assert first.candidate.title == "INSIDE-OUTSIDE (Intro)"
    assert first.candidate.artists == ("Dreamcatcher",)
    assert first.candidate.seconds == 83.72
    assert first.candidate.album == "Nightmare·Escape The ERA - EP"
    assert first.preview_url is not None
    assert first.preview_url.startswith("https://audio-ssl.itunes.apple.com/")
    assert first.preview_url.endswith(".m4a")


@pytest.mark.parametrize("body", [None, [], {}, {"results": None}, "x"])
def test_what_is_no_reply(body: Any) -> None:
    with pytest.raises(TransientFailure):
        parse_songs(body)


def test_rows_that_are_no_songs_are_left_out() -> None:
    rows = [
        None,
        {"wrapperType": "collection"},
        {"kind": "music-video", "trackId": 1, "trackName": "x", "artistName": "y"},
        {"kind": "song", "trackId": 1, "trackName": "x"},
    ]
    assert parse_songs({"resultCount": 4, "results": rows}) == []


async def test_searching(itunes: ITunesApi) -> None:
    songs = await itunes.search(f"{PIECE.artist} {PIECE.title}")
    assert [song.candidate.title for song in songs] == [PIECE.title]


async def test_a_recorded_refusal_is_no_empty_answer(
    itunes: ITunesApi, stores: SandboxServer, recorded_limiter: RecordedLimiter, recorded: Callable[[str], Any]
) -> None:
    refusal = recorded("transcribed-from-threads.json")["itunes_403_rate_limited"]
    fault = Fault(path="/itunes/*", status=refusal["status"], body=refusal["body"], times=1)
    stores.sandbox.faults.add(fault)
    assert len(await itunes.search(f"{PIECE.artist} {PIECE.title}")) == 1
    assert recorded_limiter.pauses == [30.0]


async def test_the_sandbox_refuses_the_21st_of_a_minute(itunes: ITunesApi, stores: SandboxServer) -> None:
    stores.sandbox.itunes.quota = Quota(20, 60.0, clock=lambda: 0.0)
    for _ in range(20):
        await itunes.search("x")
    with pytest.raises(ServiceUnavailable, match="403"):
        await itunes.search("x")
