from __future__ import annotations

import pytest

from soundalike.provisioning.resources import ProvisioningSettings
from soundalike.settings import EX_CONFIG, load

GOOD = {"DATABASE_URL": "postgresql://u:long-and-own@localhost:5432/db", "S3_BUCKET": "my-bucket"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_ENDPOINT_URL", "QUEUE_NAME", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_good_values_are_taken(environment: pytest.MonkeyPatch) -> None:
    settings = load(ProvisioningSettings)
    assert settings.dead_letter_queue_name == "soundalike-previews-dead"
    assert settings.aws_endpoint_url is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", None),
        ("DATABASE_URL", "mysql://u:long-and-own@localhost/db"),
        ("DATABASE_URL", "postgresql://u@localhost/db"),
        ("DATABASE_URL", "postgresql://u:postgres@localhost/db"),
        ("DATABASE_URL", "postgresql://u:long-and-own@localhost"),
        ("S3_BUCKET", None),
        ("S3_BUCKET", "My_Bucket"),
        ("S3_BUCKET", "a..b"),
        ("QUEUE_NAME", "no spaces"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
        ("AWS_DEFAULT_REGION", "moon"),
        ("QUEUE_VISIBILITY_S", "1"),
    ],
)
def test_a_missing_or_unsafe_value_is_named_and_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str | None
) -> None:
    if value is None:
        environment.delenv(variable)
    else:
        environment.setenv(variable, value)
    with pytest.raises(SystemExit) as exit_:
        load(ProvisioningSettings)
    assert exit_.value.code == EX_CONFIG
    output = capsys.readouterr().err
    assert variable in output
    assert "long-and-own" not in output


def test_secrets_do_not_show_in_repr(environment: pytest.MonkeyPatch) -> None:
    assert "long-and-own" not in repr(load(ProvisioningSettings))
