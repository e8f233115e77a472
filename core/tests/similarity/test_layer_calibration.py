from __future__ import annotations

import numpy as np
import pytest

from soundalike.similarity.calibration import GROUPS, Calibration, layer_vectors
from soundalike.similarity.layer_calibration import LayerCalibration
from soundalike.similarity.projection import Projection
from soundalike.transformers.embedding_projection import EmbeddingProjection

from .test_calibration import WIDE, calibrated, music


def layers(calibration: Calibration) -> LayerCalibration:
    return LayerCalibration.of(calibration, Projection.identity(WIDE))


def test_percentiles_are_those_of_the_raw_numbers() -> None:
    raw = np.random.default_rng(3).gamma(2, size=(600, 4 * GROUPS))
    projection = EmbeddingProjection(components=9).fit(raw).projection_
    vectors = projection.apply(raw)
    calibration = Calibration.measure(vectors, projection)
    percentiles = LayerCalibration.of(calibration, projection).percentiles(vectors[0], vectors[1:])
    levels = np.linspace(0, 1, calibration.group_quantiles.shape[1])
    for number, part in enumerate(layer_vectors(vectors, projection)):
        deviations = np.sqrt(np.einsum("nw,wv,nv->n", part, calibration.group_covariances[number], part))
        apart = part @ part[0] - part @ calibration.group_means[number]
        mean = part[0] @ calibration.group_means[number]
        similarity = (apart / deviations + (part @ part[0] - mean) / deviations[0]) / 2
        expected = np.interp(similarity[1:], calibration.group_quantiles[number], levels)
        np.testing.assert_allclose(percentiles[:, number], expected, atol=2e-4)
    assert percentiles.std(axis=0).min() > 0.1


def test_groups_are_distinguished() -> None:
    one, other = music(2, seed=7)
    width = WIDE // GROUPS
    mixed = other.copy()
    mixed[2 * width : 3 * width] = one[2 * width : 3 * width]
    percentiles = layers(calibrated()).percentiles(one, mixed[np.newaxis])[0]
    assert percentiles[2] > 0.99
    assert (np.delete(percentiles, 2) < 0.99).all()


def test_groups_of_random_pairs_are_spread_evenly() -> None:
    vectors, calibration = music(500, seed=4), layers(calibrated(2_000))
    percentiles = np.concatenate(
        [calibration.percentiles(vectors[row], vectors[row + 1 :]) for row in range(0, 400, 8)]
    )
    np.testing.assert_allclose(
        np.quantile(percentiles, [0.1, 0.5, 0.9], axis=0).mean(axis=1), [0.1, 0.5, 0.9], atol=0.05
    )


@pytest.mark.parametrize("count", range(4))
def test_few_vectors_and_none_give_a_usable_scale(count: int) -> None:
    vectors = music(10, seed=3)
    percentiles = layers(calibrated(count)).percentiles(vectors[0], vectors)
    assert ((percentiles >= 0) & (percentiles <= 1)).all()


def test_a_silent_group_and_a_silent_track_break_nothing() -> None:
    vectors = music(3, seed=5)
    vectors[1, : WIDE // GROUPS] = 0
    vectors[2] = 0
    percentiles = layers(calibrated()).percentiles(vectors[0], vectors)
    assert ((percentiles >= 0) & (percentiles <= 1)).all()


def test_vectors_that_do_not_divide_have_no_layers() -> None:
    projection = Projection.identity(7)
    vectors = projection.apply(np.random.default_rng(0).standard_normal((30, 7)))
    calibration = LayerCalibration.of(Calibration.measure(vectors, projection), projection)
    assert calibration.percentiles(vectors[0], vectors).shape == (30, 0)
