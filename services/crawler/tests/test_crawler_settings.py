from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from soundalike.crawler.settings import CrawlerSettings

TEMPLATE = Path(__file__).resolve().parents[3] / "config" / "crawler.env.example"
BASE = {"DATABASE_URL": "postgresql://u:a-good-one@db/soundalike", "S3_BUCKET": "soundalike"}
SPOTIFY = {"SPOTIFY_CLIENT_ID": "id", "SPOTIFY_CLIENT_SECRET": "hush", "SPOTIFY_TERMS_ACCEPTED": "yes"}
SANDBOX = {"SPOTIFY_API_URL": "http://sandbox:8899/v1", "SPOTIFY_TOKEN_URL": "http://sandbox:8899/api/token"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*SPOTIFY, *SANDBOX, "SPOTIFY_REFRESH_TOKEN", "PREVIEW_HOSTS", "AWS_ENDPOINT_URL"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in BASE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def load_settings(environment: pytest.MonkeyPatch, values: dict[str, str]) -> CrawlerSettings:
    for name, value in values.items():
        environment.setenv(name, value)
    return CrawlerSettings()


def test_a_folder_needs_nothing_of_spotify(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings(environment, {})
    assert str(settings.allowed_hosts) == "p.scdn.co"
    assert settings.spotify_client_id is None


@pytest.mark.parametrize("value", [None, "", "no", "true", "YES", "yes please"])
def test_spotify_stays_off_until_its_terms_are_accepted(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str | None
) -> None:
    settings = load_settings(environment, {**SPOTIFY, "SPOTIFY_TERMS_ACCEPTED": value or ""})
    with pytest.raises(SystemExit) as exit_:
        settings.spotify()
    assert exit_.value.code == 78
    messages = capsys.readouterr().err
    assert "SPOTIFY_TERMS_ACCEPTED: set it to `yes`" in messages
    assert "machine learning" in messages
    assert "SPOTIFY_CLIENT" not in messages


def test_missing_credentials_are_named(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(environment, {"SPOTIFY_TERMS_ACCEPTED": "yes", "SPOTIFY_CLIENT_ID": ""})
    with pytest.raises(SystemExit) as exit_:
        settings.spotify()
    assert exit_.value.code == 78
    messages = capsys.readouterr().err
    assert "SPOTIFY_CLIENT_ID: it is not set" in messages
    assert "SPOTIFY_CLIENT_SECRET: it is not set" in messages


def test_spotify_itself(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings(environment, SPOTIFY)
    access = settings.spotify()
    assert (access.api_url, access.token_url) == (
        "https://api.spotify.com/v1/",
        "https://accounts.spotify.com/api/token",
    )
    assert access.refresh_token is None
    assert "hush" not in repr(settings) + repr(access)


def test_a_stand_in_needs_no_terms_and_may_serve_previews(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        environment, {**SANDBOX, "SPOTIFY_CLIENT_ID": "sandbox", "SPOTIFY_CLIENT_SECRET": "sandbox"}
    )
    assert settings.spotify().api_url == "http://sandbox:8899/v1/"
    assert settings.allowed_hosts.allows("http://sandbox:8899/mp3-preview/1")
    assert not settings.allowed_hosts.allows("http://sandbox/mp3-preview/1")


@pytest.mark.parametrize("half", list(SANDBOX))
def test_credentials_never_reach_the_other_side(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], half: str
) -> None:
    settings = load_settings(environment, {**SPOTIFY, half: SANDBOX[half]})
    with pytest.raises(SystemExit):
        settings.spotify()
    assert "SPOTIFY_TOKEN_URL: it and SPOTIFY_API_URL must both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPOTIFY_API_URL", "http://api.spotify.com/v1/"),
        ("SPOTIFY_API_URL", "api.spotify.com/v1"),
        ("SPOTIFY_TOKEN_URL", "http://accounts.spotify.com/api/token"),
        ("SPOTIFY_TOKEN_URL", "https://user@accounts.spotify.com/api/token"),
        ("PREVIEW_HOSTS", "https://p.scdn.co/"),
        ("CRAWL_CONCURRENCY", "0"),
    ],
)
def test_unsafe_values_are_refused_by_name(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        load_settings(environment, {name: value})
    assert [error["loc"][0] for error in refused.value.errors()] == [name.lower()]


def test_the_template_names_every_variable() -> None:
    messages = TEMPLATE.read_text(encoding="utf-8")
    assert [name for name in CrawlerSettings.model_fields if f"# {name.upper()}=" not in messages] == []
