from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from soundalike.audio.file_tree import RegularFile, SpecialFile, SystemItems, TreeItem, UnreadablePath, walk
from soundalike.audio.system_files import RECYCLE_BINS, SNAPSHOTS, SYSTEM_FILES, SYSTEM_FOLDERS, THUMBNAILS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def create_files(folder: Path, *files: str | bytes) -> None:
    for file in files:
        path = folder / os.fsdecode(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def items(folder: Path, below: bytes = b"") -> Iterator[TreeItem]:
    return walk(os.fsencode(folder), below)


def paths(folder: Path, below: bytes = b"") -> list[bytes]:
    return [item.path for item in items(folder, below)]


def system_items(folder: Path) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in items(folder):
        if isinstance(item, SystemItems):
            counts[item.kind] += item.count
    return dict(counts)


def test_the_order_is_that_of_the_bytes_of_whole_paths(tmp_path: Path) -> None:
    names = [b"b/2.mp3", b"b/10.mp3", b"a/x/1.mp3", b"z.mp3", b"a.mp3", b"a b/1.mp3", b"\xff/1", b"\xc3\xa4/1", b"B"]
    try:
        create_files(tmp_path, *names)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert paths(tmp_path) == sorted(names)
    assert paths(tmp_path, b"b") == [b"b/10.mp3", b"b/2.mp3"]


def test_a_file_comes_with_what_the_system_says_of_it(tmp_path: Path) -> None:
    create_files(tmp_path, "1.mp3")
    (item,) = items(tmp_path)
    assert isinstance(item, RegularFile)
    assert item.status == (tmp_path / "1.mp3").stat()


def test_names_with_dots_and_blanks_are_names(tmp_path: Path) -> None:
    names = [".38 Special/1.mp3", "...And/...Baby.mp3", ".hidden.mp3", "Mr. Blank /1 ", "deezer/1", "Trash/1.mp3"]
    create_files(tmp_path, *names)
    assert sorted(paths(tmp_path)) == sorted(name.encode() for name in names)


@pytest.mark.parametrize(
    ("names", "kind", "count"),
    [
        (["$RECYCLE.BIN/S-1-5-21/1.mp3", "$Recycle.Bin/desktop.ini"], RECYCLE_BINS, 2),
        (["Album/#recycle/a/1.mp3", "Album/#recycle/a/2.mp3"], RECYCLE_BINS, 2),
        (["@Recycle/1.mp3", ".Trash-1000/files/1.mp3", ".Trashes/501/1.mp3", ".recycle/me/1.mp3"], RECYCLE_BINS, 4),
        (["share/Trash/files/1.mp3", "share/Trash/info/1.mp3.trashinfo"], RECYCLE_BINS, 2),
        (["RECYCLER/S-1-5-21-1/Dc1.mp3", "RECYCLED/INFO2"], RECYCLE_BINS, 2),
        ([".stversions/1~20260101-120000.mp3", "files_trashbin/files/1.mp3.d1"], RECYCLE_BINS, 2),
        (["a/@eaDir/1.mp3/SYNOAUDIO.jpg", "a/.@__thumb/1.mp3"], THUMBNAILS, 2),
        (["#snapshot/GMT/1.mp3", "@Recently-Snapshot/1.mp3", "@GMT-2026.01.01-00.00.00/1.mp3"], SNAPSHOTS, 3),
        (["System Volume Information/1.mp3", "lost+found/#1", ".fseventsd/1", ".Spotlight-V100/1"], SYSTEM_FOLDERS, 4),
        (["@tmp/1.mp3", "@SynoResource/1", ".@upload_cache/1.mp3", ".dropbox.cache/1.mp3"], SYSTEM_FOLDERS, 4),
        (["._1.mp3", ".DS_Store", "Thumbs.db", "Icon\r", ".sync_0a1b.db-wal"], SYSTEM_FILES, 5),
        ([".trashed-1735689600-1.mp3", ".pending-1735689600-2.mp3"], SYSTEM_FILES, 2),
        ([".nfs00000000000a8f4200000001", ".fuse_hidden0000123400000001"], SYSTEM_FILES, 2),
    ],
)  # fmt: skip
def test_what_systems_keep_is_left_out_and_counted(tmp_path: Path, names: list[str], kind: str, count: int) -> None:
    create_files(tmp_path, "kept/1.mp3", *names)
    assert [item.path for item in items(tmp_path) if isinstance(item, RegularFile)] == [b"kept/1.mp3"]
    assert system_items(tmp_path) == {kind: count}


def test_albums_that_are_called_like_recycle_bins(tmp_path: Path) -> None:
    create_files(
        tmp_path, "Trash/01 Poison.mp3", "Recycler/01.mp3", "Recycled/01.mp3", "Snapshots/1.mp3", "Cache/1.mp3"
    )
    assert (len(paths(tmp_path)), system_items(tmp_path)) == (5, {})


def test_links_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    create_files(tmp_path, "music/a/1.mp3", "elsewhere/2.mp3")
    (tmp_path / "music/a/up").symlink_to(tmp_path / "music")
    (tmp_path / "music/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/d.mp3").symlink_to(tmp_path / "elsewhere/2.mp3")
    assert paths(tmp_path / "music") == [b"a/1.mp3", b"b/2.mp3", b"d.mp3"]


def test_what_a_link_within_the_folder_leads_to_has_the_path_where_it_lies(tmp_path: Path) -> None:
    create_files(tmp_path, "music/b/c/1.mp3", "elsewhere/2.mp3")
    (tmp_path / "music/a").symlink_to("b")
    (tmp_path / "music/b/b").symlink_to(tmp_path / "music/b/c")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "music/b")
    (tmp_path / "music/aa").symlink_to("../elsewhere")
    (tmp_path / "link").symlink_to("music")
    assert paths(tmp_path / "music") == [b"aa/2.mp3", b"b/c/1.mp3"]
    assert paths(tmp_path / "link") == [b"aa/2.mp3", b"b/c/1.mp3"]
    assert paths(tmp_path / "music", b"b") == [b"b/c/1.mp3"]


def test_what_cannot_be_read_has_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    os.mkfifo(tmp_path / "pipe.mp3")
    circle, gone, pipe = items(tmp_path)
    assert isinstance(circle, UnreadablePath)
    assert gone == UnreadablePath(b"gone.mp3", "No such file or directory")
    assert pipe == SpecialFile(b"pipe.mp3")
    assert list(items(tmp_path / "nowhere")) == [UnreadablePath(b"", "No such file or directory")]


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_files(tmp_path, "open/1.mp3", "shut/2.mp3")
    scandir = os.scandir

    # Root may list everything, and tests may run as root.
    def refuse(path: bytes) -> object:
        if path.endswith(b"shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert [item.path for item in items(tmp_path)] == [b"open/1.mp3", b"shut"]
    assert UnreadablePath(b"shut", "Permission denied") in items(tmp_path)


def test_folders_within_folders_deeper_than_python_recurses(tmp_path: Path) -> None:
    folders = [tmp_path]
    try:
        for _ in range(1_100):
            folders.append(folders[-1] / "d")
            folders[-1].mkdir()
        assert paths(tmp_path) == []
        (tmp_path / "1.mp3").touch()
        assert paths(tmp_path) == [b"1.mp3"]
    finally:
        # pytest removes its folders by recursion.
        for folder in reversed(folders[1:]):
            folder.rmdir()
