from __future__ import annotations

import numpy as np
import pytest

from soundalike.research.evaluation.blend_fit import BlendBlock, BlendFit
from soundalike.research.evaluation.projection_fit import EmbeddingSpace, TrainingVectors, identity
from soundalike.research.evaluation.ranking import cosines


def raw(training: TrainingVectors, seed: int) -> EmbeddingSpace:
    return EmbeddingSpace(identity, note=f"{training.vectors.shape[1]} numbers, seed {seed}")


def training(count: int) -> TrainingVectors:
    vectors = np.random.default_rng(0).standard_normal((count, 7)) * [1, 1, 1, 1, 1000, 1000, 1000]
    return TrainingVectors(vectors, np.arange(count), np.arange(count))


def test_the_cosine_of_a_blend_is_the_weighted_mean_of_its_blocks_whatever_their_scales() -> None:
    data = training(9)
    space = BlendFit((BlendBlock(4, 2.0, raw), BlendBlock(3, 1.0, raw)))(data, 5)
    together = cosines(space.transform(data.vectors), space.transform(data.vectors))
    parts = [cosines(part, part) for part in (data.vectors[:, :4], data.vectors[:, 4:])]
    assert together == pytest.approx((4 * parts[0] + parts[1]) / 5, abs=1e-9)
    assert space.note == "4 numbers, seed 5, 3 numbers, seed 5"


def test_blocks_that_do_not_divide_the_vector_are_refused() -> None:
    with pytest.raises(ValueError, match="do not divide"):
        BlendFit((BlendBlock(4, 2.0, raw),))(training(9), 5)
