from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.audio.audio_files import RegularFile, SpecialFile, UnreadablePath, is_named_like_audio, walk
from soundalike.audio.sniff import AudioKind

if TYPE_CHECKING:
    import pytest


VIDEO_KINDS = {AudioKind.AVI, AudioKind.FLV, AudioKind.MPEG_PS, AudioKind.MPEG_TS}


def names(folder: Path) -> list[str]:
    return [item.path.relative_to(folder).as_posix() for item in walk(folder)]


def create_files(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


def test_sorted_without_hidden_names(tmp_path: Path) -> None:
    create_files(tmp_path, "b/2.mp3", "b/10.mp3", "a/x/1.mp3", "z.mp3", ".hidden.mp3", ".git/x.mp3", "b/._2.mp3")
    assert names(tmp_path) == ["z.mp3", "a/x/1.mp3", "b/10.mp3", "b/2.mp3"]


def test_links_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    create_files(tmp_path, "music/a/1.mp3", "elsewhere/2.mp3")
    (tmp_path / "music/a/up").symlink_to(tmp_path / "music")
    (tmp_path / "music/b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/c").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/d.mp3").symlink_to(tmp_path / "elsewhere/2.mp3")
    assert names(tmp_path / "music") == ["d.mp3", "a/1.mp3", "b/2.mp3"]


def test_what_cannot_be_read_has_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    os.mkfifo(tmp_path / "pipe.mp3")
    circle, gone, pipe = walk(tmp_path)
    assert isinstance(circle, UnreadablePath)
    assert gone == UnreadablePath(tmp_path / "gone.mp3", "No such file or directory")
    assert pipe == SpecialFile(tmp_path / "pipe.mp3")


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_files(tmp_path, "open/1.mp3", "shut/2.mp3")
    listdir = os.listdir

    # Root may list everything, and tests may run as root.
    def refuse(path: Path) -> list[str]:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert list(walk(tmp_path)) == [
        RegularFile(tmp_path / "open/1.mp3"),
        UnreadablePath(tmp_path / "shut", "Permission denied"),
    ]


def test_every_kind_of_audio_is_recognised_by_its_name() -> None:
    assert {kind for kind in AudioKind if not is_named_like_audio(Path(f"x.{kind.extension}"))} == VIDEO_KINDS
    assert is_named_like_audio(Path("A.MP3"))
    assert not is_named_like_audio(Path("cover.jpg"))
    assert not is_named_like_audio(Path("mp3"))


def test_folders_within_folders_deeper_than_python_recurses(tmp_path: Path) -> None:
    folders = [tmp_path]
    try:
        for _ in range(1_100):
            folders.append(folders[-1] / "d")
            folders[-1].mkdir()
        assert list(walk(tmp_path)) == []
        (tmp_path / "1.mp3").touch()
        assert list(walk(tmp_path)) == [RegularFile(tmp_path / "1.mp3")]
    finally:
        # pytest removes its folders by recursion.
        for folder in reversed(folders[1:]):
            folder.rmdir()
