"""The worked example works."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

from soundalike.sandbox.soundcloud_world import WorldSize

if TYPE_CHECKING:
    import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "who_will_like_it.py"


def test_the_pipeline_tells_more_than_popularity_does(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("who_will_like_it", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    example.main(WorldSize(users=400, tracks=400, likes=12_000))
    printed = capsys.readouterr().out
    popular, everything = (float(area) for area in re.findall(r":\s+(0\.\d{3})\n", printed))
    assert everything > popular > 0.5
    assert printed.count("\n  +") == 5
