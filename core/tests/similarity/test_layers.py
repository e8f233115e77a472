from __future__ import annotations

import numpy as np
import pytest

from soundalike.similarity.calibration import GROUPS, Calibration, grouped
from soundalike.similarity.layers import Layers
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

from .test_calibration import WIDE, measured, music


def layers(calibration: Calibration) -> Layers:
    return Layers.of(calibration, Projection.identity(WIDE))


def test_shares_are_those_of_the_raw_numbers() -> None:
    raw = np.random.default_rng(3).gamma(2, size=(600, 4 * GROUPS))
    projection = EmbeddingProjection(components=9).fit(raw).projection_
    vectors = projection.apply(raw)
    calibration = Calibration.measure(vectors, projection)
    found = Layers.of(calibration, projection).shares(vectors[0], vectors[1:])
    levels = np.linspace(0, 1, calibration.group_quantiles.shape[1])
    for number, part in enumerate(grouped(vectors, projection)):
        deviations = np.sqrt(np.einsum("nw,wv,nv->n", part, calibration.group_covariances[number], part))
        apart = part @ part[0] - part @ calibration.group_means[number]
        usual = part[0] @ calibration.group_means[number]
        likeness = (apart / deviations + (part @ part[0] - usual) / deviations[0]) / 2
        expected = np.interp(likeness[1:], calibration.group_quantiles[number], levels)
        np.testing.assert_allclose(found[:, number], expected, atol=2e-4)
    assert found.std(axis=0).min() > 0.1


def test_groups_are_told_apart() -> None:
    one, other = music(2, seed=7)
    width = WIDE // GROUPS
    mixed = other.copy()
    mixed[2 * width : 3 * width] = one[2 * width : 3 * width]
    shares = layers(measured()).shares(one, mixed[np.newaxis])[0]
    assert shares[2] > 0.99
    assert (np.delete(shares, 2) < 0.99).all()


def test_groups_of_random_pairs_are_spread_evenly() -> None:
    vectors, told = music(500, seed=4), layers(measured(2_000))
    shares = np.concatenate([told.shares(vectors[row], vectors[row + 1 :]) for row in range(0, 400, 8)])
    np.testing.assert_allclose(np.quantile(shares, [0.1, 0.5, 0.9], axis=0).mean(axis=1), [0.1, 0.5, 0.9], atol=0.05)


@pytest.mark.parametrize("count", range(4))
def test_few_vectors_and_none_give_a_usable_scale(count: int) -> None:
    vectors = music(10, seed=3)
    shares = layers(measured(count)).shares(vectors[0], vectors)
    assert ((shares >= 0) & (shares <= 1)).all()


def test_a_silent_group_and_a_silent_track_break_nothing() -> None:
    vectors = music(3, seed=5)
    vectors[1, : WIDE // GROUPS] = 0
    vectors[2] = 0
    shares = layers(measured()).shares(vectors[0], vectors)
    assert ((shares >= 0) & (shares <= 1)).all()


def test_vectors_that_do_not_divide_have_no_layers() -> None:
    projection = Projection.identity(7)
    vectors = projection.apply(np.random.default_rng(0).standard_normal((30, 7)))
    told = Layers.of(Calibration.measure(vectors, projection), projection)
    assert told.shares(vectors[0], vectors).shape == (30, 0)
