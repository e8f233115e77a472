from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.api import openapi_examples
from soundalike.api.path_format import PathFormat
from soundalike.api.playlist_formats import Format, negotiate, write
from soundalike.api.schemas.recommendation import Recommendation, Result
from soundalike.api.schemas.tracks import ListedTrack, TrackDetails
from soundalike.db.tracks import State, StoredTrack, Track
from soundalike.domain.track_id import TrackId
from soundalike.testing.hostile_text import FORMULAS, HOSTILE_TEXTS, active_characters

FIRST = openapi_examples.RECOMMENDATION.results[0]


def example(**changed: object) -> Recommendation:
    second = Result.model_validate({**FIRST.model_dump(), "rank": 2, **changed})
    return openapi_examples.RECOMMENDATION.model_copy(update={"results": [FIRST, second]})


def test_m3u_lists_lengths_names_and_links() -> None:
    text = write(Format.M3U, example(link=None, duration_ms=None, artists=[], title="Two\r\n#EXTINF:1,lines"))
    assert text.splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Sounds like Harder, Better, Faster, Stronger",
        "#EXTINF:213,Daft Punk - Aerodynamic",
        "https://www.deezer.com/track/3135554",
        "#EXTINF:-1,Two #EXTINF:1,lines",
        "deezer:track:3135554",
    ]


def test_jspf_says_what_it_knows_and_leaves_out_what_it_does_not() -> None:
    playlist = json.loads(write(Format.JSPF, example(link=None, album=None, artists=["Ä", "B"])))["playlist"]
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
    rows = list(csv.DictReader(io.StringIO(write(Format.CSV, example(title=awkward, link=None, duration_ms=None)))))
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


def hostile(text: str) -> Recommendation:
    """Return a recommendation of an old row, whose names were stored as they came."""
    recommendation = example(title=text, artists=[text, text], album=text, link=text)
    playlist = openapi_examples.PLAYLIST_RECOMMENDATION.playlist
    assert playlist is not None
    return recommendation.model_copy(update={"playlist": playlist.model_copy(update={"title": text})})


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_playlist_has_the_lines_that_we_write(text: str) -> None:
    playlist = write(Format.M3U, hostile(text))
    assert active_characters(playlist, keep="\n") == set()
    assert [line.partition(":")[0] for line in playlist.splitlines()] == [
        "#EXTM3U", "#PLAYLIST", "#EXTINF", "https", "#EXTINF", "deezer",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "link", ["#EXTVLCOPT:program=/bin/sh", "file:///etc/passwd", "javascript:alert(1)", "-x", "http:///"]
)
def test_a_playlist_names_addresses_and_nothing_else(link: str) -> None:
    assert write(Format.M3U, example(link=link)).splitlines()[-1] == "deezer:track:3135554"
    assert "location" not in json.loads(write(Format.JSPF, example(link=link)))["playlist"]["track"][1]


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_names_in_jspf_hold_no_control_characters(text: str) -> None:
    document = write(Format.JSPF, hostile(text))
    assert active_characters(document) == set()
    playlist = json.loads(document)["playlist"]
    track = playlist["track"][1]
    for name in (playlist["title"], track["title"], track["creator"], track.get("album", "")):
        assert active_characters(name) == set()


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, *FORMULAS])
def test_no_cell_of_csv_is_a_formula_or_holds_control_characters(text: str) -> None:
    table = write(Format.CSV, hostile(text))
    assert active_characters(table, keep="\r\n") == set()
    signs = {*"=+-@\uff1d\uff0b\uff0d\uff20\ufe63"}
    for row in csv.DictReader(io.StringIO(table)):
        assert not [cell for cell in row.values() if cell.strip(' "\xa0')[:1] in signs]


def test_numbers_in_csv_stay_numbers() -> None:
    header, first, _ = write(Format.CSV, example()).splitlines()
    assert header.startswith("rank,score,title")
    assert first.startswith('1,0.912345,"Aerodynamic","Daft Punk","Discovery",212.546,"https://')


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_json_of_a_track_holds_no_control_characters(text: str) -> None:
    track = Track(TrackId("deezer", "1"), text, (text,), (), text, 1, text, text, (text,))
    stored = StoredTrack(track, State.REJECTED, text, text, text)
    for model in (ListedTrack.of(stored), TrackDetails.of_stored(stored, ())):
        for value in model.model_dump(mode="json").values():
            assert active_characters("".join(value) if isinstance(value, str | list) else "") == set()


@given(
    st.text(st.characters(exclude_categories=()), max_size=30), st.sampled_from([Format.M3U, Format.JSPF, Format.CSV])
)
def test_no_name_brings_a_control_character_into_any_format(text: str, form: Format) -> None:
    document = write(form, hostile(text))
    # Alone a cell of CSV may have lines.
    assert active_characters(document, keep="\r\n" if form is Format.CSV else "\n") == set()
    document.encode("utf-8")


def test_files_are_named_by_their_paths_where_the_caller_may_see_them() -> None:
    urn = f"file:track:{1:064x}"
    recommendation = example(urn=urn, source="file", link=None)
    paths = {urn: PathFormat().write(b"/m/a b.mp3")}
    assert write(Format.M3U, recommendation, paths).splitlines()[-3:] == [
        f"#SOUNDALIKE:{urn}",
        "#EXTINF:213,Daft Punk - Aerodynamic",
        "/m/a b.mp3",
    ]
    assert write(Format.M3U, recommendation).splitlines()[-1] == urn
    track = json.loads(write(Format.JSPF, recommendation, paths))["playlist"]["track"][1]
    assert (track["location"], track["identifier"]) == (["file:///m/a%20b.mp3"], [urn])
    rows = list(csv.DictReader(io.StringIO(write(Format.CSV, recommendation, paths))))
    assert [row["path"] for row in rows] == ["", "/m/a b.mp3"]
