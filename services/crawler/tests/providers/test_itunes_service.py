from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.matching import Candidate
from soundalike.crawler.services.itunes import parse_songs
from soundalike.http.errors import ServiceUnavailable
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.services.itunes import ITunesApi
    from soundalike.sandbox.server import SandboxServer

    from .conftest import RecordedLimiter

PIECE = pieces()[0]


ALBUMS = {
    "recorded": (
        6,
        "1728639279",
        Candidate("INSIDE-OUTSIDE (Intro)", ("Dreamcatcher",), 83.72, None, "Nightmare·Escape The ERA - EP"),
    ),
    "written": (
        4,
        "1000000108",
        Candidate("STEAM-IN (Intro)", ("Kettlecatcher",), 117.151, None, "Kettle·Escape The Kitchen - EP"),
    ),
}


def test_the_songs_of_an_album(reply: Callable[[str], Any], reply_origin: str) -> None:
    songs = parse_songs(reply("itunes-lookup"))
    first = songs[0]
    assert (len(songs), first.key, first.candidate) == ALBUMS[reply_origin]
    assert first.preview_url is not None
    assert first.preview_url.startswith("https://audio-ssl.itunes.apple.com/")
    assert first.preview_url.endswith(".m4a")


@pytest.mark.parametrize("body", [None, [], {}, {"results": None}, "x"])
def test_what_is_no_reply(body: Any) -> None:
    with pytest.raises(ServiceUnavailable):
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


async def test_a_refusal_of_apple_is_no_empty_answer(
    itunes: ITunesApi, stores: SandboxServer, recorded_limiter: RecordedLimiter, reply: Callable[[str], Any]
) -> None:
    refusal = reply("transcribed")["itunes_403_rate_limited"]
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
