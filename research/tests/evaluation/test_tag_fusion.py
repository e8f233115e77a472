from __future__ import annotations

import numpy as np
import pytest

from soundalike.extractor.weights import TagHead
from soundalike.research.evaluation.projection_fit import TrainingVectors, fit_half_whitening
from soundalike.research.evaluation.ranking import cosines
from soundalike.research.evaluation.tag_fusion import WEIGHTS, TagFusion, TagScale, fit_tags_alone

RANDOM = np.random.default_rng(11)
HEAD = TagHead(RANDOM.standard_normal((32, 50)).astype(np.float32), RANDOM.standard_normal(50).astype(np.float32))
ALBUMS = np.repeat(np.arange(16), 4)


def training(*, sound: float, tags: float) -> TrainingVectors:
    """Albums that can be told apart by the numbers that tags are read from, by the others, or not."""
    random = np.random.default_rng(1)
    style = random.standard_normal((16, 160))[ALBUMS]
    strength = np.concatenate([np.full(128, sound), np.full(32, tags)])
    return TrainingVectors(style * strength + random.standard_normal(style.shape), ALBUMS, ALBUMS)


@pytest.mark.parametrize("scale", ["root", "z"])
def test_a_fused_cosine_is_the_weighted_sum_of_both(scale: TagScale) -> None:
    training_vectors = training(sound=1, tags=1)
    fused = TagFusion(HEAD, scale, weights=(0.3,))(training_vectors, 0)
    sound, tags = fit_half_whitening(training_vectors, 0), fit_tags_alone(HEAD, scale)(training_vectors, 0)
    one, both = training_vectors.vectors[:5], training_vectors.vectors
    expected = 0.7 * cosines(sound.transform(one), sound.transform(both)) + 0.3 * cosines(
        tags.transform(one), tags.transform(both)
    )
    assert cosines(fused.transform(one), fused.transform(both)) == pytest.approx(expected, abs=1e-9)
    assert fused.note == "0.3"


def test_the_weight_is_large_where_tags_tell_albums_apart_and_small_where_they_do_not() -> None:
    fusion = TagFusion(HEAD, "z")
    # Where the sound says nothing the large weights rank almost alike, and rounding decides between them.
    assert float(fusion(training(sound=0, tags=3), 1).note) in WEIGHTS[-2:]
    assert fusion(training(sound=3, tags=0), 1).note == str(WEIGHTS[0])


def test_where_nothing_can_be_chosen_the_first_weight_is_taken() -> None:
    training_vectors = training(sound=0, tags=3)
    one_group = TrainingVectors(
        training_vectors.vectors, training_vectors.albums, np.zeros_like(training_vectors.albums)
    )
    singles = TrainingVectors(training_vectors.vectors, np.arange(len(ALBUMS)), np.arange(len(ALBUMS)))
    assert TagFusion(HEAD, "z")(one_group, 1).note == "0.1"
    assert TagFusion(HEAD, "z")(singles, 1).note == "0.1"
