from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from extractor.model import load_model
from extractor.weights import parse

from .signals import SHARED, WEIGHTS, likeness, needs_weights, reference_signals

if TYPE_CHECKING:
    from extractor.model import Model

pytestmark = needs_weights


@pytest.fixture(scope="module")
def one_clip_at_a_time() -> Model:
    return load_model(mode="clip", choi_weights=WEIGHTS)


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(SHARED / "reference.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("row", [0, 2, 4])
def test_real_clips_agree_with_the_original_program(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray], row: int
) -> None:
    vector = one_clip_at_a_time.embed([reference[f"pcm12k_{row:02d}"]])[0]
    assert likeness(vector, reference["clip"][row]) >= 0.999_999
    np.testing.assert_allclose(vector, reference["clip_numpy64"][row], atol=1e-3)


@pytest.mark.parametrize("name", reference_signals())
def test_synthetic_signals_agree_with_the_original_program(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray], name: str
) -> None:
    row = json.loads((SHARED / "reference.json").read_text())["synthetic"]["names"].index(name)
    vector = one_clip_at_a_time.embed([reference_signals()[name]])[0]
    assert likeness(vector, reference["synthetic_clip"][row]) >= 0.999_99


def test_the_ids_of_the_published_network_are_these() -> None:
    assert load_model(mode="clip", choi_weights=WEIGHTS).id == "choi-2017-clip-caf89f81-p1"
    assert load_model(mode="fixed", choi_weights=WEIGHTS).id == "choi-2017-fixed-caf89f81-285fad90-p1"


def test_fixed_statistics_tell_pieces_apart_that_clip_statistics_bring_together(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray]
) -> None:
    clips = [reference[f"pcm12k_{row:02d}"] for row in (0, 2, 4)]

    def closeness(model: Model) -> float:
        a, b, c = model.embed(clips)
        return likeness(a, b) + likeness(b, c) + likeness(a, c)

    assert closeness(load_model(mode="fixed", choi_weights=WEIGHTS)) < closeness(one_clip_at_a_time)


def test_the_tag_head_comes_with_the_weights() -> None:
    tags = parse(WEIGHTS.read_bytes()).tags
    assert tags is not None
    assert (tags.kernel.shape, tags.bias.shape) == ((32, 50), (50,))
