from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from soundalike.errors import UnusableDirectory
from soundalike.storage.private_directories import check_private, private_directory, user_cache_directory

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_it_and_what_is_above_it_is_made_for_its_owner_only(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = private_directory(tmp_path / "a" / "b")
        assert private_directory(folder) == folder
    finally:
        os.umask(before)
    assert (mode_of(folder), mode_of(folder.parent)) == (0o700, 0o700)


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert private_directory(tmp_path.relative_to(tmp_path) / "here") == tmp_path / "here"


def test_a_folder_that_others_can_read_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    private_directory(tmp_path / "data")


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777, 0o1777])
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(mode)
    with pytest.raises(UnusableDirectory, match=r"other users can write to .*data: run `chmod go-w"):
        private_directory(tmp_path / "data")


@pytest.mark.parametrize("target", ["folder", "nowhere"])
def test_a_link_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / target)
    with pytest.raises(UnusableDirectory, match="is a symbolic link"):
        private_directory(tmp_path / "data")


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(UnusableDirectory, match="is not a folder"):
        private_directory(tmp_path / "data")
    with pytest.raises(UnusableDirectory, match="cannot be made: Not a directory"):
        private_directory(tmp_path / "data" / "below")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableDirectory, match="cannot be used: No such file or directory"):
        check_private(tmp_path / "data")


def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    other = os.geteuid() + 1
    with pytest.raises(UnusableDirectory, match="belongs to"):
        private_directory(tmp_path / "data", owner=other)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_another_user_made_first_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 65_534, 65_534)
    with pytest.raises(UnusableDirectory, match="belongs to nobody, not to the user"):
        private_directory(tmp_path / "data")


def test_a_place_where_all_can_exchange_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UnusableDirectory, match="every user can exchange"):
        private_directory(tmp_path / "open" / "a" / "data")
    (tmp_path / "open").chmod(0o1777)
    private_directory(tmp_path / "open" / "a" / "data")


def test_two_that_make_it_at_once_both_get_it(tmp_path: Path) -> None:
    code = "import sys, pathlib; from soundalike.storage.private_directories import private_directory as make\n"
    code += "for n in range(200): make(pathlib.Path(sys.argv[1], str(n), 'b'))"
    processes = [subprocess.Popen([sys.executable, "-c", code, tmp_path]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]


def test_the_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert str(user_cache_directory()) == "/caches/soundalike"
    for value in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert user_cache_directory() == tmp_path / ".cache" / "soundalike"
