from __future__ import annotations

from pathlib import Path

import pytest

from soundalike.crawler.errors import InvalidTarget
from soundalike.crawler.sources.deezer_address import DeezerTarget
from soundalike.crawler.sources.registry import FolderPath, parse_address_target, parse_target, second_meaning
from soundalike.crawler.sources.spotify_address import PlaylistId
from soundalike.crawler.sources.track_lists.formats import ListFile
from soundalike.domain.track_id import TrackId

KEY = "37i9dQZF1DXcBWIGoYBM5M"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (f"https://open.spotify.com/playlist/{KEY}?si=1", PlaylistId(KEY)),
        (f"spotify:playlist:{KEY}", PlaylistId(KEY)),
        (KEY, PlaylistId(KEY)),
        (f"spotify:track:{KEY}", TrackId("spotify", KEY)),
        ("https://www.deezer.com/en/playlist/7", DeezerTarget("playlist", "7")),
        ("deezer:album:7", DeezerTarget("album", "7")),
        ("https://www.deezer.com/track/7", DeezerTarget("track", "7")),
    ],
)
def test_addresses(text: str, target: object) -> None:
    assert parse_target(text) == target


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_text("x")
    assert parse_target(str(tmp_path)) == FolderPath(tmp_path)
    assert parse_target(str(tmp_path / "a.CSV")) == ListFile(tmp_path / "a.CSV")


@pytest.mark.parametrize(
    "name",
    [
        *("deezer.csv", "my.deezer.csv", "spotify.csv", "soundcloud.m3u8", "deezer:playlist:7.csv", " deezer.csv "),
        *("open.spotify.com", "www.deezer.com", "deezer", "spotify:playlist:" + KEY, KEY, "deezer:playlist:7", "7 "),
    ],
)
def test_what_lies_here_goes_before_services(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, is_list = Path(name), "." in name and not name.endswith("com")
    _ = path.write_text("x") if is_list else path.mkdir()
    target = parse_target(name)
    assert target == (ListFile(path) if is_list else FolderPath(path))


@pytest.mark.parametrize(("name", "urn"), [(KEY, f"spotify:playlist:{KEY}"), ("deezer:album:7", "deezer:album:7")])
def test_a_second_meaning_is_said(name: str, urn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert second_meaning(name, parse_target(name)) is None
    Path(name).mkdir()
    assert second_meaning(name, parse_target(name)) == f"{name} is read as the folder of this name, not as {urn}"
    assert parse_address_target(name) != parse_target(name)


def test_a_file_that_is_no_list_does_not_hide_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(KEY).write_text("x")
    assert parse_target(KEY) == PlaylistId(KEY)


@pytest.mark.parametrize("text", ["gone.deezer.csv", "spotify.m3u8", "deezer/gone.jspf"])
def test_a_list_that_is_not_there_is_a_missing_file(text: str) -> None:
    with pytest.raises(InvalidTarget, match="there is no file"):
        parse_target(text)


def test_a_file_of_no_known_form(tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(InvalidTarget, match=r"'a\.doc' is not a list of tracks"):
        parse_target(str(tmp_path / "a.doc"))


@pytest.mark.parametrize(
    "text",
    ["", "   ", "my favourite music", "https://example.org/playlist/7", "gone.csv", "a\0b", "~nobody-has-this-name/x"],
)
def test_what_names_nothing_gets_every_accepted_form(text: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        parse_target(text)
    for form in ("open.spotify.com", "deezer.com", ".jspf", "folder"):
        assert form in str(caught.value)


def test_a_wrong_address_of_a_service_gets_the_forms_of_that_service() -> None:
    with pytest.raises(InvalidTarget) as caught:
        parse_target("https://www.deezer.com/profile/7")
    assert "spotify" not in str(caught.value)
