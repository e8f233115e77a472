from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from soundalike.storage.atomic_files import PRIVATE, atomic_write, write_private

if TYPE_CHECKING:
    from pathlib import Path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_half_written_file_never_gets_its_name(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("before")

    def write_half() -> None:
        with atomic_write(tmp_path / "kept") as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_half()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept").read_text() == "before"


def test_a_file_has_the_usual_permissions_unless_it_is_private(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with atomic_write(tmp_path / "new") as part:
        part.write_text("text")
    assert mode_of(tmp_path / "new") == mode_of(tmp_path / "usual")
    write_private(tmp_path / "new", "secret")
    assert ((tmp_path / "new").read_text(), mode_of(tmp_path / "new")) == ("secret", PRIVATE)


def test_a_private_file_is_private_while_it_is_written(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "secret", mode=PRIVATE) as part:
        assert mode_of(part) == PRIVATE


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "one") as first, atomic_write(tmp_path / "one") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "one").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
