from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from soundalike.local.data_directory import DataDirectory, cache_directory
from soundalike.local.errors import UnusableDataDirectory


def test_the_folder_is_that_of_the_option_or_the_variable_or_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDALIKE_DATA", str(tmp_path / "by-variable"))
    assert DataDirectory.at(tmp_path / "named").root == tmp_path / "named"
    assert DataDirectory.at(None).root == tmp_path / "by-variable"
    monkeypatch.delenv("SOUNDALIKE_DATA")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    assert DataDirectory.at(None).root.is_relative_to(tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    assert DataDirectory.at(Path("here")).root == tmp_path / "here"


def test_only_its_owner_can_enter_it(tmp_path: Path) -> None:
    data = DataDirectory.at(tmp_path / "a" / "b")
    data.create()
    data.create()
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o700
    assert stat.S_IMODE((data.root / "logs").stat().st_mode) == 0o700


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UnusableDataDirectory, match="--data"):
        DataDirectory.at(tmp_path / "file").create()


def test_the_cache_is_where_the_variables_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDALIKE_CACHE", str(tmp_path / "by-variable"))
    assert cache_directory() == tmp_path / "by-variable"
    monkeypatch.delenv("SOUNDALIKE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if sys.platform == "linux":
        assert cache_directory() == tmp_path / "caches" / "soundalike"
    assert cache_directory().is_relative_to(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use everybody's folders")
def test_a_folder_of_another_user_is_an_error() -> None:
    with pytest.raises(UnusableDataDirectory):
        DataDirectory.at(Path("/usr")).create()


def test_a_very_long_log_is_rotated(tmp_path: Path) -> None:
    data = DataDirectory.at(tmp_path / "data")
    data.create()
    path = data.log_file("worker")
    path.write_text("short", encoding="utf-8")
    assert data.log_file("worker").read_text(encoding="utf-8") == "short"
    with path.open("wb") as log:
        log.truncate(10_000_001)
    assert not data.log_file("worker").exists()
    assert path.with_suffix(".log.1").stat().st_size == 10_000_001
