from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundalike.similarity.builtin import builtin_calibration, builtin_projection
from soundalike.similarity.calibration import (
    GROUPS,
    Calibration,
    layer_vectors,
    projection_digest,
    standardised_similarity,
)
from soundalike.similarity.errors import InvalidCalibration
from soundalike.similarity.projection import Projection

DATA = resources.files("soundalike.similarity").joinpath("calibrations")
MODELS = [file.name.removesuffix(".npz") for file in DATA.iterdir()]
WIDE = 20


def music(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around a middle that is not zero, as those of real music are."""
    raw = np.random.default_rng(seed).standard_normal((count, WIDE)) + np.eye(WIDE)[0]
    return Projection.identity(WIDE).apply(raw)


def calibrated(count: int = 500) -> Calibration:
    return Calibration.measure(music(count), Projection.identity(WIDE))


def test_similarity_of_random_pairs_is_standard() -> None:
    calibration, vectors = calibrated(), music(400, seed=1)
    moments = calibration.calibrate(vectors)
    similarity = standardised_similarity(moments, moments)[np.triu_indices(400, 1)]
    assert abs(similarity.mean()) < 0.1
    assert similarity.std() == pytest.approx(1, abs=0.15)


def test_what_lies_in_the_middle_of_everything_gains_nothing_by_it() -> None:
    calibration = calibrated()
    middle, side = np.eye(WIDE, dtype=np.float32)[[0, 1]]
    query = music(1, seed=5)[0]
    seen = calibration.calibrate(np.stack([middle, side]))
    assert seen.mean[0] > seen.mean[1] + 0.1
    # As near to the query as each other, by the cosine.
    query = np.float32((middle + side) / np.sqrt(2))
    hub, other = standardised_similarity(calibration.calibrate(query[np.newaxis]), seen)[0]
    assert hub < other


def test_similarity_is_symmetric_and_grows_with_the_cosine() -> None:
    calibration = calibrated()
    moments = calibration.calibrate(music(50, seed=2))
    similarity = standardised_similarity(moments, moments)
    np.testing.assert_allclose(similarity, similarity.T, atol=1e-4)
    assert (similarity.argmax(axis=1) == np.arange(50)).all()


@given(st.integers(0, 3))
def test_few_vectors_and_none_give_a_usable_scale(count: int) -> None:
    calibration = calibrated(count)
    vectors = music(10, seed=3)
    moments = calibration.calibrate(vectors)
    odds = calibration.odds(standardised_similarity(moments, moments))
    assert np.isfinite(odds).all()


def test_identical_vectors_everywhere_break_nothing() -> None:
    same = np.repeat(music(1), 100, axis=0)
    calibration = Calibration.measure(same, Projection.identity(WIDE))
    moments = calibration.calibrate(same[:2])
    assert np.isfinite(calibration.odds(standardised_similarity(moments, moments))).all()


def test_vectors_that_do_not_divide_have_no_groups() -> None:
    projection = Projection.identity(7)
    vectors = projection.apply(np.random.default_rng(0).standard_normal((30, 7)))
    assert len(layer_vectors(vectors, projection)) == 0
    assert Calibration.measure(vectors, projection).group_quantiles.shape[0] == 0


def test_a_file_gives_the_same_calibration() -> None:
    calibration, vectors = calibrated(), music(5, seed=6)
    read = Calibration.from_bytes(calibration.to_bytes())
    assert (read.projection, read.log_odds) == (calibration.projection, calibration.log_odds)
    np.testing.assert_array_equal(read.calibrate(vectors).mean, calibration.calibrate(vectors).mean)
    np.testing.assert_array_equal(read.group_quantiles, calibration.group_quantiles)


@pytest.mark.parametrize("content", [b"", b"PK", Projection.identity(3).to_bytes()])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidCalibration):
        Calibration.from_bytes(content)


@pytest.mark.parametrize("model", MODELS)
def test_a_builtin_calibration_fits_the_builtin_projection(model: str) -> None:
    projection, calibration = builtin_projection(model), builtin_calibration(model)
    assert projection is not None
    assert calibration is not None
    assert calibration.projection == projection_digest(projection)
    assert len(calibration.group_means) == GROUPS


def test_other_models_have_none() -> None:
    assert builtin_calibration("unknown") is None
    assert builtin_calibration("../measured/x") is None
