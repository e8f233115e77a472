from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.domain.file_paths import (
    PathPrefix,
    file_uri,
    is_windows_path,
    path_bytes,
    path_text,
    paths_of_uri,
    relative_uri,
)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("/music/a.mp3", "file:///music/a.mp3"),
        ("/m/#1 100%25?+é.mp3", "file:///m/%231%20100%2525%3F%2B%C3%A9.mp3"),
        ("/m/\udce9\n.mp3", "file:///m/%E9%0A.mp3"),
        ("D:\\Musik\\A b.mp3", "file:///D:/Musik/A%20b.mp3"),
        ("\\\\nas\\music\\a.mp3", "file://nas/music/a.mp3"),
    ],
)
def test_a_path_is_written_as_a_uri_and_read_back(path: str, uri: str) -> None:
    assert file_uri(path) == uri
    assert paths_of_uri(uri)[0] == (path.replace("\\", "/"))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///m/100% real?.mp3", "/m/100% real?.mp3"),
        ("FILE://localhost/m/a%20b.mp3", "/m/a b.mp3"),
        ("file:/m/a.mp3", "/m/a.mp3"),
        ("file:///m/a.mp3#t=10", "/m/a.mp3"),
        ("file:///m/a%41.mp3", "/m/a%41.mp3"),
        ("file:///c:/Music/a.mp3", "c:/Music/a.mp3"),
    ],
)
def test_uris_that_other_programs_write(uri: str, path: str) -> None:
    assert path in paths_of_uri(uri)


@pytest.mark.parametrize("text", ["/m/a.mp3", "http://h/a.mp3", "file:", "file:a.mp3", "profile:///x"])
def test_what_is_no_file_uri(text: str) -> None:
    assert paths_of_uri(text) == []


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
def test_every_name_survives(name: bytes) -> None:
    path = b"/m/" + name
    assert path_bytes(path_text(path)) == path
    assert path_bytes(paths_of_uri(file_uri(path_text(path)))[0]) == path
    assert file_uri(path_text(path)).isascii()


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_is_no_path(text: str) -> None:
    assert path_bytes(text) is None


@pytest.mark.parametrize(("path", "reference"), [("a b/c:d.mp3", "a%20b/c%3Ad.mp3"), ("c:d.mp3", "c%3Ad.mp3")])
def test_relative_references(path: str, reference: str) -> None:
    assert relative_uri(path) == reference


@pytest.mark.parametrize(
    ("old", "new", "path", "expected"),
    [
        ("/music", "/Volumes/Music", "/music/A/a.mp3", "/Volumes/Music/A/a.mp3"),
        ("/music/", "/v/", "/music/a.mp3", "/v/a.mp3"),
        ("/music", "/v", "/musical/a.mp3", None),
        ("/music", "/v", "/Music/a.mp3", None),
        ("/", "/mnt/", "/a.mp3", "/mnt/a.mp3"),
        ("/music", "/", "/music/a.mp3", "/a.mp3"),
        ("/music", "D:\\Musik", "/music/A/a.mp3", "D:\\Musik\\A\\a.mp3"),
        ("/music", "\\\\nas\\music", "/music/a.mp3", "\\\\nas\\music\\a.mp3"),
        ("D:\\Musik", "/music", "d:/musik/A\\a.mp3", "/music/A/a.mp3"),
        ("D:\\", "/music", "D:\\a.mp3", "/music/a.mp3"),
        ("D:", "/music", "E:\\a.mp3", None),
    ],
)
def test_the_beginning_of_a_path_on_another_machine(old: str, new: str, path: str, expected: str | None) -> None:
    assert PathPrefix(old, new).replace(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("C:\\a", True), ("c:/a", True), ("\\\\h\\s", True), ("C:a", False), ("/c:/a", False)]
)
def test_paths_of_windows(text: str, expected: bool) -> None:
    assert is_windows_path(text) is expected
