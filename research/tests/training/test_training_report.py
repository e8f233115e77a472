import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")
pytest.importorskip("matplotlib", reason="matplotlib is installed only where soundalike-1 is trained")

from soundalike.research.training import curves, report
from soundalike.research.training.recipes import CANDIDATES
from soundalike.research.training.trial import (
    CHOI_CLIPS,
    CHOI_CROPS,
    CHOI_TRAINED_PROJECTION,
    OURS_TRAINED_PROJECTION,
    SystemPrecisions,
    Validation,
)

ALBUMS = np.repeat(np.array(list("abcdef")), 4)


@pytest.fixture
def verdicts() -> SystemPrecisions:
    results = SystemPrecisions()
    for number, name in enumerate((CHOI_CLIPS, CHOI_CROPS, CHOI_TRAINED_PROJECTION, OURS_TRAINED_PROJECTION)):
        for suffix in ("", " (among all tracks)"):
            results.record(name + suffix, np.arange(24), 24, np.linspace(0.3, 0.5, 24) + 0.1 * number)
    results.losses["shipped"] = tuple(np.linspace(2.0, 1.0, 50))
    return results


def test_the_page_and_the_numbers_tell_the_paired_differences(verdicts: SystemPrecisions) -> None:
    validations = [Validation("distilled", (0, 1), 2, 0.5, 0.4)]
    page = report.as_markdown(verdicts, validations, ALBUMS, CANDIDATES[0], "make train")
    row = next(line for line in page.splitlines() if line.startswith(f"| {OURS_TRAINED_PROJECTION} |"))
    assert "+0.300 [+0.300, +0.300]" in row
    assert "+0.200 [+0.200, +0.200]" in row
    numbers = json.loads(report.as_json(verdicts, validations, ALBUMS, CANDIDATES[0]))
    assert numbers["differences"][CHOI_CROPS][OURS_TRAINED_PROJECTION]["value"] == pytest.approx(0.2)
    assert set(numbers["differences"][CHOI_CROPS]) == {CHOI_CLIPS, CHOI_TRAINED_PROJECTION, OURS_TRAINED_PROJECTION}


def test_curves_are_pictures(verdicts: SystemPrecisions, tmp_path: Path) -> None:
    curves.draw_losses(tmp_path / "losses.png", verdicts.losses)
    curves.draw_validation(tmp_path / "validation.png", [Validation("distilled", (0, 1), 2, 0.5, 0.4)])
    curves.draw_gains(tmp_path / "gains.png", report.gains(verdicts, ALBUMS, CHOI_CROPS), CHOI_CROPS)
    for name in ("losses", "validation", "gains"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
