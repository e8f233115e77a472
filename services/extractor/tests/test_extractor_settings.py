from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundalike.extractor.models.registry import DEFAULT, ModelChoice, ModelName
from soundalike.extractor.settings import ExtractorSettings
from soundalike.settings import load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODEL", "STATISTICS", "CHOI_WEIGHTS", "MODEL_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:of-my-own@localhost/db")
    monkeypatch.setenv("S3_BUCKET", "bucket")


def test_without_settings_the_default_model_is_used() -> None:
    assert load(ExtractorSettings).model_choice == ModelChoice(name=DEFAULT)


def test_the_model_is_chosen_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODEL", "soundalike-1")
    assert load(ExtractorSettings).model_choice.name is ModelName.SOUNDALIKE_1
    monkeypatch.setenv("MODEL", "choi-2017")
    monkeypatch.setenv("STATISTICS", "clip")
    monkeypatch.setenv("CHOI_WEIGHTS", str(tmp_path / "w"))
    monkeypatch.setenv("MODEL_CACHE", str(tmp_path))
    assert load(ExtractorSettings).model_choice == ModelChoice(
        name=ModelName.CHOI_2017, mode="clip", choi_weights=tmp_path / "w", model_cache=tmp_path
    )


def test_another_name_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL", "choi-2016")
    with pytest.raises(SystemExit) as ended:
        load(ExtractorSettings)
    assert ended.value.code == 78
    message = capsys.readouterr().err
    assert "MODEL" in message
    assert "soundalike-1" in message
