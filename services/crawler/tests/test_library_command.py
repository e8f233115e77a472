"""`library` as a person runs it, with a real database; the bucket is in memory."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from soundalike.crawler.library_command import app
from soundalike.crawler.session import S3Store
from soundalike.storage.object_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Library:
    """The command, and the folder that it is about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | Path, answer: str | None = None) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(each) for each in arguments], input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def library(tmp_path: Path, database_url: str, audio: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> Library:
    folder = tmp_path / "my music"
    for number in range(3):
        path = folder / f"album/{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(audio(8, hertz=220 + 20 * number))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("S3_BUCKET", "none")
    store = MemoryStore()
    monkeypatch.setattr(S3Store, "connect", lambda _: store)
    return Library(folder)


def test_a_library_from_its_first_scan_to_its_removal(library: Library, tmp_path: Path) -> None:
    assert library("list") == (0, "No library yet: soundalike library add ~/Music")
    assert library("scan")[0] == 1
    status, output = library("add", library.folder, "--every", "2")
    assert (status, "found 3" in output) == (0, True)
    listed = f"{library.folder} 3 files of music 0 other 0 gone watched every 2 hours scanned 2"
    assert listed in library("list")[1]
    shutil.rmtree(library.folder / "album")
    assert "is empty" in library("scan")[1]
    (library.folder / "kept.txt").touch()
    status, output = library("scan", library.folder)
    assert (status, "soundalike crawl --accept-gone --folder '" in output) == (0, True)
    assert "[tracks whose files are gone] 3" in library("scan", "--accept-gone")[1]
    assert library("prune") == (1, "nothing was deleted: without a terminal to confirm, --yes is needed")
    assert library("prune", "--yes") == (0, "deleted: 3 tracks")
    assert library("prune") == (0, "no track is gone")
    assert "is in no library" in library("scan", tmp_path)[1]
    assert "a part of the library" in library("remove", library.folder / "album")[1]
    assert library("remove", library.folder)[1].startswith(f"removed: {library.folder}; 0 tracks of it")
    assert "is no library" in library("remove", library.folder)[1]


def test_a_removed_library_can_be_added_again(library: Library) -> None:
    library("add", library.folder)
    assert "3 tracks of it can be found no more" in library("remove", library.folder)[1]
    status, output = library("add", library.folder / "album")
    # They are read again, and wait for their analysis as before.
    assert (status, "uploaded 3" in output) == (0, True)
    assert "watched scanned 2" in library("list")[1]


def test_duplicates_are_listed_and_none_is_deleted(library: Library) -> None:
    assert library("duplicates") == (0, "no file of your libraries is there twice")
    (library.folder / "copy").mkdir()
    shutil.copy(library.folder / "album/0.flac", library.folder / "copy/same.flac")
    whole = (library.folder / "album/1.flac").read_bytes()
    (library.folder / "album/half.flac").write_bytes(whole[: len(whole) * 2 // 3])
    assert library("add", library.folder)[0] == 0
    status, output = library("duplicates")
    assert (status, "4 files of 2 recordings" in output) == (0, True)
    assert re.search(rf"same sound flac 0\.\d MB 0:08 {library.folder}/copy/same\.flac", output)
    assert re.search(rf"cut short flac 0\.\d MB 0:0[456] {library.folder}/album/half\.flac", output)
    assert [len(group) for group in json.loads(library("duplicates", "--json")[1])["groups"]] == [2, 2]
    assert library("duplicates", "--csv")[1].count(str(library.folder)) == 4
    assert library("duplicates", "--csv", "--json")[0] == 2
    assert len(list(library.folder.rglob("*.flac"))) == 5


def test_a_file_is_no_library(library: Library, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("x")
    status, output = library("add", file)
    assert status != 0
    assert "list.txt is a file: name the folder in which it lies" in " ".join(output.split())
