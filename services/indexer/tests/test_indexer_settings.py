import pytest

from soundalike.indexer.settings import IndexerSettings
from soundalike.settings import EX_CONFIG, load

ENVIRONMENT = {"DATABASE_URL": "postgresql://u:k3ptpriv@127.0.0.1:5432/soundalike", "S3_BUCKET": "soundalike"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_defaults_are_those_of_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TREES", "20")
    settings = load(IndexerSettings)
    assert (settings.build_parameters.trees, settings.build_parameters.recall_goal) == (20, 0.98)
    assert (settings.thresholds.rows, settings.thresholds.share, settings.thresholds.max_age_s) == (1000, 0.10, 600)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INDEX_TREES", "0"),
        ("INDEX_ENGINE", "faith"),
        ("INDEX_MINIMUM_RECALL", "1.5"),
        ("INDEX_POLL_S", "soon"),
        ("S3_BUCKET", "No"),
    ],
)
def test_refuses_and_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as refusal:
        load(IndexerSettings)
    assert refusal.value.code == EX_CONFIG
    assert name in capsys.readouterr().err
