from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundalike.crawler.services.deezer_replies import (
    DeezerTrack,
    NotATrack,
    check_reply,
    expires_at,
    parse_track,
)
from soundalike.db.tracks import Track
from soundalike.domain.track_id import TrackId
from soundalike.http.errors import Missing, QuotaExhausted, RateLimited, ServiceRefused, ServiceUnavailable
from soundalike.sandbox.catalogue import pieces
from soundalike.sandbox.faults import Fault
from soundalike.sandbox.quota import Quota

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundalike.crawler.services.deezer import DeezerApi
    from soundalike.sandbox.server import SandboxServer

    from .conftest import RecordedLimiter

PIECE = pieces()[0]


def error(code: int | None, kind: str = "Exception", message: str = "so it is") -> dict[str, Any]:
    body: dict[str, Any] = {"type": kind, "message": message}
    return {"error": body if code is None else {**body, "code": code}}


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (error(4, message="Quota limit exceeded"), RateLimited),
        (error(700), ServiceUnavailable),
        (error(None), ServiceUnavailable),
        (error(800, "DataException", "no data"), Missing),
        (error(None, "DataException", "no data"), Missing),
        ({"error": "Not Found"}, Missing),
        ({"error": "Internal Server Error"}, ServiceUnavailable),
        ({"error": ["odd"]}, ServiceUnavailable),
        (error(500, "ParameterException"), ServiceRefused),
        (error(600, "InvalidQueryException"), ServiceRefused),
        (error(200, "OAuthException"), ServiceRefused),
    ],
)
def test_each_form_of_error_has_its_meaning(body: Any, meaning: type[Exception]) -> None:
    with pytest.raises(meaning):
        check_reply(body)


def test_the_errors_of_deezer(reply: Callable[[str], Any]) -> None:
    with pytest.raises(Missing):
        check_reply(reply("deezer-error-no-data"))
    with pytest.raises(ServiceUnavailable):
        check_reply(reply("deezer-error-no-code"))
    with pytest.raises(RateLimited, match="Quota limit exceeded"):
        check_reply(reply("transcribed")["deezer_quota_http200"]["body"])


TRACKS = {
    "recorded": Track(
        TrackId("deezer", "2947516331"),
        "Die With A Smile",
        ("Lady Gaga", "Bruno Mars"),
        artist_urns=("deezer:artist:75491", "deezer:artist:429675"),
        album="Die With A Smile",
        duration_ms=250_000,
        isrc="USUM72409273",
        link="https://www.deezer.com/track/2947516331",
    ),
    "written": Track(
        TrackId("deezer", "1000000048"),
        "Leave With A Kettle",
        ("Lady Invented", "Mister Nobody"),
        artist_urns=("deezer:artist:10051", "deezer:artist:100053"),
        album="Leave With A Kettle",
        duration_ms=241_000,
        isrc="ZZTST2500001",
        link="https://www.deezer.com/track/1000000048",
    ),
}


def test_a_track_of_deezer(reply: Callable[[str], Any], reply_origin: str) -> None:
    body = reply("deezer-track")
    parsed = parse_track(check_reply(body))
    assert isinstance(parsed, DeezerTrack)
    assert parsed.track == TRACKS[reply_origin]
    assert parsed.preview_url is not None
    # Deezer signs an address for 900 s; the `share` link holds the time of the reply.
    replied_at = {"recorded": 1738407332, "written": 1778407332}[reply_origin]
    assert f"utm_term=0_{replied_at}&" in body["share"]
    assert expires_at(parsed.preview_url) == replied_at + 900


@pytest.mark.parametrize(
    ("name", "rows", "rows_without_preview"),
    [
        ("deezer-playlist", {"recorded": 25, "written": 6}, {"recorded": 3, "written": 2}),
        ("deezer-search", {"recorded": 25, "written": 4}, {"recorded": 0, "written": 0}),
    ],
)
def test_rows_of_deezer(
    reply: Callable[[str], Any],
    reply_origin: str,
    name: str,
    rows: dict[str, int],
    rows_without_preview: dict[str, int],
) -> None:
    parsed = [parse_track(row) for row in check_reply(reply(name))["data"]]
    assert len(parsed) == rows[reply_origin]
    tracks = [row for row in parsed if isinstance(row, DeezerTrack)]
    assert len(tracks) == len(parsed)
    assert sum(track.preview_url is None for track in tracks) == rows_without_preview[reply_origin]


def test_a_version_that_the_title_leaves_out_is_added() -> None:
    row = {"id": 1, "title": "Song", "title_version": "(Live)", "duration": 0, "isrc": "gb-abc-12-34567"}
    results = parse_track(row)
    assert isinstance(results, DeezerTrack)
    assert results.track.title == "Song (Live)"
    assert results.track.duration_ms is None
    assert results.track.isrc == "GBABC1234567"
    assert results.preview_url is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "empty entry"),
        ({}, "empty entry"),
        ({"id": 5, "title": ""}, "taken down from Deezer"),
        ({"id": 0, "title": "x"}, "entry in an unknown format"),
        ({"id": "x", "title": "x"}, "entry in an unknown format"),
        (["x"], "entry in an unknown format"),
    ],
)
def test_what_is_no_track(row: Any, reason: str) -> None:
    results = parse_track(row)
    assert isinstance(results, NotATrack)
    assert results.reason == reason


async def test_a_track_by_id_and_by_isrc(deezer: DeezerApi, recorded_limiter: RecordedLimiter) -> None:
    by_isrc = await deezer.by_isrc(PIECE.isrc)
    assert by_isrc is not None
    assert by_isrc.track.title == PIECE.title
    assert await deezer.track(by_isrc.track.id.key) is not None
    assert recorded_limiter.acquired == 2
    assert await deezer.track("5") is None
    assert await deezer.by_isrc("ZZZZZ0000000") is None


async def test_a_spent_quota_makes_everybody_wait_and_is_tried_again(
    deezer: DeezerApi, stores: SandboxServer, recorded_limiter: RecordedLimiter
) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/track/*", status=200, body=error(4), times=2))
    assert await deezer.by_isrc(PIECE.isrc) is not None
    assert recorded_limiter.pauses == [5.0, 5.0]
    assert recorded_limiter.acquired == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="*", status=200, body=error(4), times=None),
        Fault(path="*", status=200, body=error(700), times=None),
        Fault(path="*", status=200, body=error(None), times=None),
        Fault(path="*", status=503, body="", times=None),
        Fault(path="*", status=403, body="", times=None),
        Fault(path="*", status=200, body="<html>", times=None),
        Fault(path="*", status=200, body={"odd": True}, times=None),
    ],
)
async def test_what_is_temporary_is_never_an_absence(deezer: DeezerApi, stores: SandboxServer, fault: Fault) -> None:
    stores.sandbox.faults.add(fault)
    with pytest.raises(ServiceUnavailable):
        await deezer.by_isrc(PIECE.isrc)
    assert len(stores.sandbox.journal.read()) == 3


async def test_a_long_wait_is_not_waited_for(
    deezer: DeezerApi, stores: SandboxServer, recorded_limiter: RecordedLimiter
) -> None:
    stores.sandbox.faults.add(Fault(path="*", status=429, headers={"Retry-After": "3600"}, body=""))
    with pytest.raises(QuotaExhausted) as caught:
        await deezer.track("5")
    assert caught.value.wait_s == 3600
    assert recorded_limiter.pauses == [60.0]
    assert len(stores.sandbox.journal.read()) == 1


async def test_an_endless_answer_is_not_read_to_its_end(
    deezer: DeezerApi, stores: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soundalike.http.replies.MAX_BYTES", 1000)
    stores.sandbox.faults.add(Fault(path="*", status=200, body="[" * 2000))
    with pytest.raises(ServiceRefused, match="more than 1000 bytes"):
        await deezer.track("5")


async def test_redirects_are_not_followed(deezer: DeezerApi, stores: SandboxServer) -> None:
    stores.sandbox.faults.add(Fault(path="/deezer/track/5", status=302, headers={"Location": "/deezer/track/6"}))
    with pytest.raises(ServiceRefused, match="302"):
        await deezer.track("5")
    assert len(stores.sandbox.journal.read()) == 1


async def test_an_absence_may_come_with_404(deezer: DeezerApi, stores: SandboxServer) -> None:
    body = error(800, "DataException", "no data")
    stores.sandbox.faults.add(Fault(path="/deezer/track/5", status=404, body=body))
    stores.sandbox.faults.add(Fault(path="/deezer/track/6", status=404, body={"error": "Not Found"}))
    assert await deezer.track("5") is None
    assert await deezer.track("6") is None


async def test_the_sandbox_refuses_the_51st_of_five_seconds(deezer: DeezerApi, stores: SandboxServer) -> None:
    stores.sandbox.deezer.quota = Quota(50, 5.0, clock=lambda: 0.0)
    for _ in range(50):
        assert await deezer.track("5") is None
    with pytest.raises(ServiceUnavailable, match="Quota limit exceeded"):
        await deezer.track("5")


async def test_searching_by_field_and_by_words(deezer: DeezerApi) -> None:
    by_field = await deezer.search(f'artist:"{PIECE.artist}" track:"{PIECE.title}"', strict=True)
    by_words = await deezer.search(f"{PIECE.artist} {PIECE.title}")
    assert [one.track.title for one in by_field] == [PIECE.title]
    assert by_field == [] or by_words[0].track.id == by_field[0].track.id
    assert by_field[0].track.isrc is None
    assert await deezer.search("nobody has sung this") == []
