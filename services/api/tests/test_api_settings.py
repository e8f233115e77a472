from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import cli
from api.settings import ApiSettings
from catalog.settings import EX_CONFIG, load

PLENTY = {"DATABASE_URL": "postgresql://user:of-my-own@localhost:5432/db", "S3_BUCKET": "bucket"}
TEMPLATE = Path(__file__).parents[3] / "config" / "api.env.example"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ApiSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in PLENTY.items():
        monkeypatch.setenv(name, value)


def test_the_least_that_is_needed() -> None:
    settings = load(ApiSettings)
    assert (settings.api_host, settings.api_port, settings.api_cache_dir) == ("127.0.0.1", 8000, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql://user:password@localhost/db"),
        ("S3_BUCKET", "Not A Bucket"),
        ("API_HOST", "everywhere"),
        ("API_HOST", ""),
        ("API_PORT", "0"),
        ("API_PORT", "65536"),
        ("API_PORT", "http"),
        ("API_CACHE_DIR", "relative"),
        ("API_CACHE_DIR", "/"),
        ("API_CACHE_DIR", str(Path.home())),
        ("API_CACHE_DIR", "/dev/null/versions"),
    ],
)
def test_unsafe_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli)
    assert result.exit_code == EX_CONFIG
    assert f"  {name}: " in result.stderr
    assert "of-my-own" not in result.output


def test_the_template_explains_every_variable_and_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([A-Z0-9_]+)=(.*)$", template, re.MULTILINE))
    assert set(shown) == {name.upper() for name in ApiSettings.model_fields}
    for name in ("API_HOST", "API_PORT", "AWS_DEFAULT_REGION"):
        assert shown[name] == str(ApiSettings.model_fields[name.lower()].default)
