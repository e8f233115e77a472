from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from soundalike.transformers.embedding_projection import EmbeddingProjection


def correlated(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) * np.geomspace(1, 0.01, dimensions)
    return rng.normal(size=(count, dimensions)) @ mixing.T + rng.normal(size=dimensions)


@parametrize_with_checks([EmbeddingProjection(), EmbeddingProjection(components=2, shrinkage=0.0)])
@pytest.mark.filterwarnings("default")
def test_keeps_the_rules_of_scikit_learn(estimator: EmbeddingProjection, check: Callable[..., None]) -> None:
    check(estimator)


def test_without_shrinkage_equals_scaler_and_pca() -> None:
    vectors = correlated(300, 20)
    reference = make_pipeline(StandardScaler(), PCA(8))
    expected = reference.fit_transform(vectors) / reference[-1].explained_variance_ ** 0.25
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    projected = EmbeddingProjection(8, shrinkage=0.0).fit_transform(vectors)
    signs = np.sign((projected * expected).sum(axis=0))
    np.testing.assert_allclose(projected, expected * signs, atol=1e-9)


def test_full_whitening_makes_directions_equal() -> None:
    transformer = EmbeddingProjection(20, 0.5, shrinkage=0.0).fit(correlated(5000, 20))
    fitted = transformer.projection_
    rotated = ((correlated(5000, 20) - fitted.mean) / fitted.scale) @ fitted.components.T
    np.testing.assert_allclose((rotated / fitted.eigenvalues**0.5).std(axis=0, ddof=1), 1.0, atol=1e-9)


def test_shrinks_eigenvalues_towards_their_mean_as_documented() -> None:
    vectors = correlated(40, 20)
    standardised = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    sample = np.sort(np.linalg.svd(standardised, compute_uv=False))[::-1] ** 2 / 39
    weight = 20 / (40 + 20)
    transformer = EmbeddingProjection(20).fit(vectors)
    assert transformer.shrinkage_ == pytest.approx(weight)
    np.testing.assert_allclose(
        transformer.projection_.eigenvalues, (1 - weight) * sample + weight * sample.mean(), rtol=1e-9
    )


@pytest.mark.parametrize("count", [2, 3, 48, 91])
def test_few_samples_span_the_whole_space_without_blowing_noise_up(count: int) -> None:
    vectors = correlated(count, 160)
    projection = EmbeddingProjection().fit(vectors).projection_
    assert projection.dimensions == 128
    assert projection.eigenvalues.min() >= 0.5 * projection.eigenvalues.mean() * 160 / (count + 160)
    newcomers = projection.apply(correlated(30, 160, seed=1))
    np.testing.assert_allclose(np.linalg.norm(newcomers, axis=1), 1.0, atol=1e-6)


def test_without_shrinkage_keeps_no_more_directions_than_the_samples_have() -> None:
    assert EmbeddingProjection(shrinkage=0.0).fit(correlated(10, 160)).projection_.dimensions == 9


def test_constant_and_nearly_constant_features_add_nothing() -> None:
    vectors = correlated(60, 6)
    noise = np.random.default_rng(1).normal(size=60) * 1e-9
    padded = np.column_stack([vectors, np.full(60, -1.0), -1.0 + noise])
    plain = EmbeddingProjection(6, shrinkage=0.0).fit_transform(vectors)
    np.testing.assert_allclose(EmbeddingProjection(6, shrinkage=0.0).fit_transform(padded), plain, atol=1e-6)


def test_equal_samples_have_no_direction() -> None:
    transformer = EmbeddingProjection().fit(np.ones((5, 4)))
    assert not transformer.transform(np.ones((2, 4))).any()
    assert transformer.transform(np.eye(4)).any()


def test_two_fits_agree_whatever_the_order_of_the_samples() -> None:
    vectors = correlated(500, 30)
    first = EmbeddingProjection(16).fit(vectors).projection_
    second = EmbeddingProjection(16).fit(vectors[::-1]).projection_
    np.testing.assert_allclose(first.components, second.components, atol=1e-8)
    assert (first.components.max(axis=1) >= -first.components.min(axis=1)).all()


def test_the_fitted_projection_answers_like_the_transformer() -> None:
    vectors = correlated(200, 12).astype(np.float32)
    transformer = EmbeddingProjection(5).fit(vectors)
    projected = transformer.transform(vectors)
    assert projected.dtype == np.float32
    np.testing.assert_array_equal(projected, transformer.projection_.apply(vectors))


def test_speaks_pandas() -> None:
    frame = pd.DataFrame(correlated(30, 6), columns=[f"v{i}" for i in range(6)], index=[f"t{i}" for i in range(30)])
    transformer = EmbeddingProjection(3).set_output(transform="pandas")
    projected = transformer.fit_transform(frame)
    assert list(projected.columns) == ["embeddingprojection0", "embeddingprojection1", "embeddingprojection2"]
    assert list(projected.columns) == list(transformer.get_feature_names_out())
    assert list(projected.index) == list(frame.index)


@pytest.mark.parametrize(
    "wrong", [{"components": 0}, {"exponent": -0.1}, {"exponent": 1.5}, {"shrinkage": 1.1}, {"shrinkage": "some"}]
)
def test_refuses_parameters_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        clone(EmbeddingProjection()).set_params(**wrong).fit(correlated(20, 5))
