from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.extractor.models.registry import ModelChoice, ModelName, StatisticsMode, load_model
from soundalike.extractor.tagger import tag_probabilities
from soundalike.extractor.weights import parse

from .signals import SHARED, WEIGHTS, cosine, needs_weights, reference_signals

if TYPE_CHECKING:
    from soundalike.extractor.model import Model

pytestmark = needs_weights


def choi(mode: StatisticsMode) -> Model:
    return load_model(ModelChoice(name=ModelName.CHOI_2017, mode=mode, choi_weights=WEIGHTS))


@pytest.fixture(scope="module")
def one_clip_at_a_time() -> Model:
    return choi("clip")


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(SHARED / "reference.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("row", [0, 2, 4])
def test_real_clips_agree_with_the_original_program(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray], row: int
) -> None:
    vector = one_clip_at_a_time.embed([reference[f"pcm12k_{row:02d}"]]).vectors[0]
    assert cosine(vector, reference["clip"][row]) >= 0.999_999
    np.testing.assert_allclose(vector, reference["clip_numpy64"][row], atol=1e-3)


@pytest.mark.parametrize("name", reference_signals())
def test_synthetic_signals_agree_with_the_original_program(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray], name: str
) -> None:
    row = json.loads((SHARED / "reference.json").read_text())["synthetic"]["names"].index(name)
    vector = one_clip_at_a_time.embed([reference_signals()[name]]).vectors[0]
    assert cosine(vector, reference["synthetic_clip"][row]) >= 0.999_99


def test_the_ids_of_the_published_network_are_these() -> None:
    assert choi("clip").id == "choi-2017-clip-caf89f81-p1"
    assert choi("fixed").id == "choi-2017-fixed-caf89f81-285fad90-p1"


def test_fixed_statistics_distinguish_pieces_that_clip_statistics_do_not(
    one_clip_at_a_time: Model, reference: dict[str, np.ndarray]
) -> None:
    clips = [reference[f"pcm12k_{row:02d}"] for row in (0, 2, 4)]

    def similarity(model: Model) -> float:
        a, b, c = model.embed(clips).vectors
        return cosine(a, b) + cosine(b, c) + cosine(a, c)

    assert similarity(choi("fixed")) < similarity(one_clip_at_a_time)


def test_the_tag_head_comes_with_the_weights() -> None:
    tags = parse(WEIGHTS.read_bytes()).tags
    assert tags is not None
    assert (tags.kernel.shape, tags.bias.shape) == ((32, 50), (50,))


def test_tags_need_fixed_statistics(one_clip_at_a_time: Model, reference: dict[str, np.ndarray]) -> None:
    clip = [reference["pcm12k_04"]]
    assert one_clip_at_a_time.embed(clip).tags is None
    assert one_clip_at_a_time.mean_tag_probabilities is None
    fixed = choi("fixed")
    embedded = fixed.embed(clip)
    assert fixed.weights.tags is not None
    assert fixed.mean_tag_probabilities is not None
    np.testing.assert_array_equal(embedded.tags, tag_probabilities(embedded.vectors, fixed.weights.tags))
    assert fixed.mean_tag_probabilities.clips == 414
