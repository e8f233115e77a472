from pathlib import Path

import pytest
from typer.testing import CliRunner

from soundalike.research.training import cli


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    result = CliRunner().invoke(cli.app, [str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 78
    assert "torch, matplotlib, musicnn" in result.output
    assert "requirements/training.txt" in result.output


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli.app, [str(tmp_path / "none"), "--out", str(tmp_path)]).exit_code == 2
