from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from soundalike.local import secrets
from soundalike.local.errors import UnusableDataDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_passwords_are_made_once_and_kept_privately(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = secrets.load_or_generate(path)
    assert secrets.load_or_generate(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.json"]
    values = {made.postgres_admin_password, made.database_password, made.aws_secret_access_key}
    assert len(values) == 3
    assert min(map(len, values)) >= 40
    assert secrets.load_or_generate(tmp_path / "another.json") != made


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    made = secrets.load_or_generate(tmp_path / "secrets.json")
    assert made.aws_secret_access_key not in repr(made)
    assert made.postgres_admin_password not in repr(made)
    assert made.database_password not in repr(made)


@pytest.mark.parametrize("damaged", ["", "{}", '{"postgres_admin_password": 1}'])
def test_damage_is_told_and_never_overwritten(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(damaged, encoding="utf-8")
    with pytest.raises(UnusableDataDirectory, match="damaged"):
        secrets.load_or_generate(path)
    assert path.read_text(encoding="utf-8") == damaged
