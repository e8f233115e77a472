"""The vector of one signal by each model, stored: no refactoring may change it unnoticed.

After a change that is meant to move the vectors (it counts `PREPROCESSING` up, or comes with other weights), write the
new ones down by `WRITE_GOLDEN=yes python -m pytest services/extractor/tests/test_golden_vectors.py`.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.extractor.models.registry import ModelChoice, ModelName, load_model

from .signals import golden_signal

if TYPE_CHECKING:
    from soundalike.extractor.model import Model

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-3

CHOICES = [
    ModelChoice(name=ModelName.CHOI_2017),
    ModelChoice(name=ModelName.CHOI_2017, mode="clip"),
    ModelChoice(name=ModelName.SOUNDALIKE_1),
]


def test_the_signal_itself_is_unchanged() -> None:
    signal = golden_signal()
    assert signal.shape == (348_000,)
    assert np.linalg.norm(signal) == pytest.approx(84.987404, rel=1e-5)
    assert signal[200_000:200_003] == pytest.approx([-0.141825, -0.110102, -0.140597], abs=1e-5)


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: f"{choice.name}-{choice.mode}")
def test_a_model_gives_the_stored_vector(request: pytest.FixtureRequest, choice: ModelChoice) -> None:
    if choice.name == ModelName.CHOI_2017:
        choice = replace(choice, choi_weights=request.getfixturevalue("published_weights"))
    model = load_model(choice)
    embedded = model.embed([golden_signal()])
    tags = None if embedded.tags is None else embedded.tags[0]
    file = GOLDEN / f"{choice.name}-{choice.mode}.json"
    if os.environ.get("WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(written(model, embedded.vectors[0], tags))
        pytest.skip("written down, not compared")
    golden = json.loads(file.read_text())
    assert golden["model"] == model.id
    np.testing.assert_allclose(embedded.vectors[0], golden["vector"], atol=TOLERANCE)
    if tags is None:
        assert golden["tags"] is None
    else:
        np.testing.assert_allclose(tags, golden["tags"], atol=TOLERANCE)


def written(model: Model, vector: np.ndarray, tags: np.ndarray | None) -> str:
    content = {
        "model": model.id,
        "vector": np.round(vector.astype(np.float64), 5).tolist(),
        "tags": None if tags is None else np.round(tags.astype(np.float64), 5).tolist(),
    }
    return json.dumps(content) + "\n"
