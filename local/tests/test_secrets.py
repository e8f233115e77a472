from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from soundalike.local import secrets
from soundalike.local.errors import UnusableDataDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_passwords_are_generated_once_and_only_the_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    generated = secrets.load_or_generate(path)
    assert secrets.load_or_generate(path) == generated
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secrets.json"]
    values = {generated.postgres_admin_password, generated.database_password, generated.aws_secret_access_key}
    assert len(values) == 3
    assert min(map(len, values)) >= 40
    assert secrets.load_or_generate(tmp_path / "another.json") != generated


def test_passwords_are_not_in_the_repr(tmp_path: Path) -> None:
    generated = secrets.load_or_generate(tmp_path / "secrets.json")
    assert generated.aws_secret_access_key not in repr(generated)
    assert generated.postgres_admin_password not in repr(generated)
    assert generated.database_password not in repr(generated)


@pytest.mark.parametrize("damaged", ["", "{}", '{"postgres_admin_password": 1}'])
def test_a_damaged_file_is_an_error_and_never_overwritten(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(damaged, encoding="utf-8")
    with pytest.raises(UnusableDataDirectory, match="damaged"):
        secrets.load_or_generate(path)
    assert path.read_text(encoding="utf-8") == damaged
