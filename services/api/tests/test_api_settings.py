from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from soundalike.api.cli import cli
from soundalike.api.settings import ApiSettings
from soundalike.settings import EX_CONFIG, load

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
        ("API_WORKERS", "0"),
        ("API_WORKERS", "65"),
        ("API_WORKERS", "all"),
        ("API_CACHE_DIR", "relative"),
        ("API_CACHE_DIR", "/"),
        ("API_CACHE_DIR", str(Path.home())),
        ("API_CACHE_DIR", "/dev/null/versions"),
        ("API_READS", "closed"),
        ("API_WRITES", "yes"),
        ("API_METRICS", "on"),
        ("API_WRITES_PER_MINUTE", "0"),
        ("API_DRAIN_S", "-1"),
        ("API_DRAIN_S", "3600"),
        ("API_MAX_CONNECTIONS", "0"),
        ("API_ALLOWED_HOSTS", "https://music.example.org"),
        ("API_ALLOWED_HOSTS", "music.example.org:8000"),
        ("API_ALLOWED_HOSTS", "*.example.org"),
        ("API_ALLOWED_HOSTS", "*,music.example.org"),
        ("CORS_ORIGINS", "music.example.org"),
        ("CORS_ORIGINS", "https://music.example.org/"),
        ("CORS_ORIGINS", "https://music.example.org/page"),
        ("CORS_ORIGINS", "https://*.example.org"),
        ("CORS_ORIGINS", "https://user@music.example.org"),
        ("CORS_ORIGINS", "ftp://music.example.org"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "*,https://music.example.org"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ],
)
def test_unsafe_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli)
    assert result.exit_code == EX_CONFIG
    assert f"  {name}: " in result.stderr
    assert "of-my-own" not in result.output


@pytest.mark.parametrize(
    ("host", "writes", "metrics"),
    [
        ("127.0.0.1", "local", "local"),
        ("localhost", "local", "local"),
        ("::1", "local", "local"),
        ("0.0.0.0", "keyed", "keyed"),  # noqa: S104 - what a container listens on
        ("192.168.1.2", "keyed", "keyed"),
    ],
)
def test_who_may_write_where_nobody_says_depends_on_who_can_come(
    monkeypatch: pytest.MonkeyPatch, host: str, writes: str, metrics: str
) -> None:
    monkeypatch.setenv("API_HOST", host)
    for empty in ({}, {"API_READS": "", "API_WRITES": "", "API_METRICS": ""}):
        for name, value in empty.items():
            monkeypatch.setenv(name, value)
        settings = load(ApiSettings)
        assert (settings.api_reads, settings.writes, settings.metrics) == ("open", writes, metrics)
    monkeypatch.setenv("API_WRITES", "open" if writes == "keyed" else "keyed")
    monkeypatch.setenv("API_METRICS", "off")
    assert (load(ApiSettings).writes, load(ApiSettings).metrics) == ("open" if writes == "keyed" else "keyed", "off")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://a.example.org", ("https://a.example.org",)),
        (" https://a.example.org , http://localhost:3000,", ("https://a.example.org", "http://localhost:3000")),
    ],
)
def test_origins_are_listed_with_commas(monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]) -> None:
    monkeypatch.setenv("CORS_ORIGINS", text)
    assert load(ApiSettings).cors_origins == origins


@pytest.mark.parametrize(
    ("host", "text", "names"),
    [
        ("127.0.0.1", "", frozenset()),
        ("0.0.0.0", "", None),  # noqa: S104 - what a container listens on
        ("127.0.0.1", "*", None),
        ("0.0.0.0", " Music.Example.org., api", frozenset({"music.example.org", "api"})),  # noqa: S104
    ],
)
def test_host_names_are_listed_with_commas(
    monkeypatch: pytest.MonkeyPatch, host: str, text: str, names: frozenset[str] | None
) -> None:
    monkeypatch.setenv("API_HOST", host)
    monkeypatch.setenv("API_ALLOWED_HOSTS", text)
    assert load(ApiSettings).hosts == names


def test_the_template_explains_every_variable_and_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([A-Z0-9_]+)=(.*)$", template, re.MULTILINE))
    assert set(shown) == {name.upper() for name in ApiSettings.model_fields}
    for name in ("API_HOST", "API_PORT", "API_WORKERS", "API_READS", "API_WRITES_PER_MINUTE", "AWS_DEFAULT_REGION"):
        assert shown[name] == str(ApiSettings.model_fields[name.lower()].default)
