from __future__ import annotations

import pytest

from soundalike.crawler.sources.track_lists.file_address import FileAddress, fold_path, is_file_text
from soundalike.domain.file_paths import PathPrefix

FOLDER = b"/srv/me/Lists"


def paths(text: str, prefix: PathPrefix | None = None, encoding: str = "utf-8") -> list[str]:
    address = FileAddress.read([text], FOLDER, prefix, encoding=encoding)
    return [path.decode("utf-8", "surrogateescape") for path in address.paths]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.mp3", "/srv/me/Lists/a.mp3"),
        ("./A/../B/a.mp3", "/srv/me/Lists/B/a.mp3"),
        ("../Music/a.mp3", "/srv/me/Music/a.mp3"),
        ("//m//a.mp3", "/m/a.mp3"),
        ("music\\A\\a.mp3", "/srv/me/Lists/music/A/a.mp3"),
        ("AC\\DC.mp3", "/srv/me/Lists/AC\\DC.mp3"),
        (" a.mp3 ", "/srv/me/Lists/ a.mp3 "),
        (" a.mp3 ", "/srv/me/Lists/a.mp3"),
        ("100%25.mp3", "/srv/me/Lists/100%25.mp3"),
        ("100%25.mp3", "/srv/me/Lists/100%.mp3"),
        ("file:///m/a%20b.mp3", "/m/a b.mp3"),
        ("file:///m/%E9.mp3", "/m/\udce9.mp3"),
        ("file://localhost/m/a.mp3", "/m/a.mp3"),
    ],
)
def test_what_an_entry_can_mean(text: str, path: str) -> None:
    assert path in paths(text)


@pytest.mark.parametrize(
    "text", ["D:\\Musik\\a.mp3", "d:/Musik/a.mp3", "\\\\nas\\Musik\\a.mp3", "file:///D:/Musik/a.mp3"]
)
def test_a_path_of_windows_is_none_here(text: str) -> None:
    address = FileAddress.read([text], FOLDER)
    assert address.paths == ()
    assert {names[-2:] for names in address.names} == {("Musik", "a.mp3")}


@pytest.mark.parametrize("text", ["D:\\Musik\\A\\a.mp3", "d:/musik/A/a.mp3", "file:///D:/Musik/A/a.mp3"])
def test_the_prefix_of_another_machine(text: str) -> None:
    assert paths(text, PathPrefix("D:\\Musik", "/music"))[0] == "/music/A/a.mp3"


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Björk.mp3", "cp1252"),
        ("Кино.mp3", "cp1251"),
        ("Dvořák.mp3", "cp1250"),
        ("宇多田.mp3", "cp932"),
        ("é.mp3", "mac_roman"),
    ],
)
def test_names_in_other_encodings(name: str, encoding: str) -> None:
    guessed = name.encode(encoding).decode("cp1252", "surrogateescape")
    read = paths(guessed, encoding="cp1252")
    assert f"/srv/me/Lists/{name}" in read
    # The name may be these very bytes.
    raw = name.encode(encoding).decode("utf-8", "surrogateescape")
    assert f"/srv/me/Lists/{raw}" in read
    assert f"/srv/me/Lists/{name}" not in paths(guessed) or encoding == "cp1252"


def test_what_no_path_can_be_is_left_out() -> None:
    assert paths("a\0b.mp3") == []
    assert paths("\ud800.mp3") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a.mp3", True), ("file:///a.mp3", True), ("https://h/a.mp3", False), ("mms://h/a", False), ("  ", False)],
)
def test_texts_that_can_be_files(text: str, expected: bool) -> None:
    assert is_file_text(text) is expected


def test_case_and_composition_do_not_count_when_folded() -> None:
    assert fold_path("Bjo\u0308rk/STRASSE.mp3") == fold_path("BJÖRK/straße.mp3")
