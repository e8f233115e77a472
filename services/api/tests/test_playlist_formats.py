from __future__ import annotations

import csv
import io
import json

import pytest

from soundalike.api import openapi_examples
from soundalike.api.playlist_formats import Format, negotiate, write
from soundalike.api.schemas.recommendation import Recommendation, Result

FIRST = openapi_examples.RECOMMENDATION.results[0]


def found(**changed: object) -> Recommendation:
    second = Result.model_validate({**FIRST.model_dump(), "rank": 2, **changed})
    return openapi_examples.RECOMMENDATION.model_copy(update={"results": [FIRST, second]})


def test_m3u_lists_lengths_names_and_links() -> None:
    text = write(Format.M3U, found(link=None, duration_ms=None, artists=[], title="Two\r\n#EXTINF:1,lines"))
    assert text.splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Sounds like Harder, Better, Faster, Stronger",
        "#EXTINF:213,Daft Punk - Aerodynamic",
        "https://www.deezer.com/track/3135554",
        "#EXTINF:-1,Two #EXTINF:1,lines",
        "deezer:track:3135554",
    ]


def test_jspf_says_what_it_knows_and_leaves_out_what_it_does_not() -> None:
    playlist = json.loads(write(Format.JSPF, found(link=None, album=None, artists=["Ä", "B"])))["playlist"]
    assert playlist["track"][0]["location"] == ["https://www.deezer.com/track/3135554"]
    assert playlist["track"][1] == {
        "identifier": ["deezer:track:3135554"],
        "title": "Aerodynamic",
        "creator": "Ä, B",
        "duration": 212_546,
        "annotation": FIRST.why,
        "trackNum": 2,
    }


def test_csv_is_read_back_whatever_the_names_hold() -> None:
    awkward = 'Comma, "quote"\nand line; é'
    rows = list(csv.DictReader(io.StringIO(write(Format.CSV, found(title=awkward, link=None, duration_ms=None)))))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert rows[0]["duration_s"] == "212.546"
    assert rows[0]["shared_tags"] == "electronic; dance; house"
    assert (rows[1]["title"], rows[1]["link"], rows[1]["duration_s"]) == (awkward, "", "")


def test_a_playlist_gives_its_name() -> None:
    assert "#PLAYLIST:Similar to Friday evening" in write(Format.M3U, openapi_examples.PLAYLIST_RECOMMENDATION)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("application/json", Format.JSON),
        ("text/csv", Format.CSV),
        ("Text/CSV; charset=utf-8", Format.CSV),
        ("audio/x-mpegurl, application/json;q=0.5", Format.M3U),
        ("application/json;q=0.5, application/jspf+json;q=0.9", Format.JSPF),
        ("text/csv;q=0, */*", Format.JSON),
        ("text/csv;q=much", Format.JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.JSON),
        (";;,,=q", Format.JSON),
    ],
)
def test_the_accept_header_chooses(accept: str, form: Format) -> None:
    assert negotiate(accept) is form
