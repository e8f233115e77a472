from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.file_names import FileName, read_file_name

BAND_AND_SONG = FileName("Some Song", "Some Band")


@pytest.mark.parametrize(
    "name",
    [
        "Some Band - Some Song",
        "01 - Some Band - Some Song",
        "01. Some Band - Some Song",
        "01) Some Band - Some Song",
        "[01] Some Band - Some Song",
        "01 Some Band - Some Song",
        "1-01 - Some Band - Some Song",
        "A1 - Some Band - Some Song",
        "Some Band \u2013 Some Song",
        "Some Band \u2014 Some Song",
        "Some Band \u2010 Some Song",
        "Some_Band_-_Some_Song",
        "01_Some_Band_-_Some_Song",
        "01-Some_Band-Some_Song",
        "Some.Band.-.Some.Song",
        "Some%20Band%20-%20Some%20Song",
        "Some Band - 07 - Some Song",
        "VA - Some Band - Some Song",
        "Some Band - Some Song [dQw4w9WgXcQ]",
        "Mix/01 - Some Band - Some Song",
        "Various Artists/Some Album/01 - Some Band - Some Song",
        "Rock/Nineties/Some Band - Some Song",
        "Some Band/Some Song - Some Band",
    ],
)
def test_artist_and_title(name: str) -> None:
    read = read_file_name(name)
    assert (read.title, read.artist) == (BAND_AND_SONG.title, BAND_AND_SONG.artist)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("03. Third Song", FileName("Third Song")),
        ("Third Song", FileName("Third Song")),
        ("", FileName("")),
        ("third_song", FileName("third song")),
        ("R.E.M. - E-Bow", FileName("E-Bow", "R.E.M.")),
        ("R.E.M. - E-Bow the Letter vol.2", FileName("E-Bow the Letter vol.2", "R.E.M.")),
        ("Mr. Blue Sky", FileName("Mr. Blue Sky")),
        ("02 - Mr. Blue Sky", FileName("Mr. Blue Sky")),
        ("50 Cent - In da Club", FileName("In da Club", "50 Cent")),
        ("99 Luftballons", FileName("99 Luftballons")),
        ("10,000 Maniacs - These Are Days", FileName("These Are Days", "10,000 Maniacs")),
        ("1979", FileName("1979")),
        ("07", FileName("07")),
        ("Track 07 - Some Song", FileName("Some Song")),
        ("Some Band - Some Album - 03 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band - Some Album - 03. Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Song - Live", FileName("Some Song - Live")),
        ("Some Song - Remastered 2011", FileName("Some Song - Remastered 2011")),
        ("Some Band - Some Song - Live", FileName("Some Song - Live", "Some Band")),
        ("Jay-Z - 99 Problems", FileName("99 Problems", "Jay-Z")),
        ("Jay-Z", FileName("Jay-Z")),
        ("Some Song [Soundtrack]", FileName("Some Song [Soundtrack]")),
        ("Some Band/Some Album/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/1999 - Some Album (FLAC)/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/[1999] Some Album/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/Some Album/12 Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/Some Album/1-12 Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/18 Songs/18 Songs", FileName("18 Songs")),
        ("Rock/Nineties/10 Years - Some Song", FileName("Some Song", "10 Years", None)),
        ("12 Some Songs", FileName("12 Some Songs")),
        ("Some Band - 1999 - Some Album - 03 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("CD1-03 - Some Song", FileName("Some Song")),
        ("001 Some Band - Some Song", FileName("Some Song", "Some Band")),
        ("Some Band/Some Album/CD 2/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band - Some Album/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band - 1999 - Some Album/01 - Some Song", FileName("Some Song", "Some Band", "Some Album")),
        ("Some Band/Some Album/01 - Love - Hate", FileName("Love - Hate", "Some Band", "Some Album")),
        ("Some Band/Some Album/01 - Some Band - Love", FileName("Love", "Some Band", "Some Album")),
        ("Various Artists/Some Album/01 - Some Song", FileName("Some Song", None, "Some Album")),
        ("Downloads/Some Album/01 - Some Song", FileName("Some Song")),
        ("Some Album/01 - Some Song", FileName("Some Song")),
    ],
)
def test_what_names_and_folders_say(path: str, expected: FileName) -> None:
    assert read_file_name(path) == expected


def test_an_artist_that_is_known_settles_where_the_title_begins() -> None:
    assert read_file_name("01 - Some Band - Some Song", ["SOME BAND"]).title == "Some Song"
    assert read_file_name("01 - Love - Hate", ["Some Band"]).title == "Love - Hate"


@given(st.text(st.sampled_from("ab01 -_.[]()/\u2013%\x1b\u202e"), max_size=40))
def test_every_file_has_a_title_that_a_terminal_can_show(name: str) -> None:
    read = read_file_name(f"{name}a")
    for text in (read.title, read.artist, read.album):
        assert text is None or (text == text.strip() != "" and text.isprintable())
