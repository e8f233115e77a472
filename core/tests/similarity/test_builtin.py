from importlib import resources

import numpy as np
import pytest

from soundalike.similarity.builtin import builtin_projection

DATA = resources.files("soundalike.similarity").joinpath("projections")
MODELS = [file.name.removesuffix(".npz") for file in DATA.iterdir()]


def test_some_are_built_in() -> None:
    assert MODELS


@pytest.mark.parametrize("model", MODELS)
def test_a_builtin_projection_projects_the_vectors_of_its_model(model: str) -> None:
    projection = builtin_projection(model)
    assert projection is not None
    assert (projection.input_dimensions, projection.dimensions, projection.exponent) == (160, 128, 0.25)
    projected = projection.apply(np.random.default_rng(0).normal(size=(5, 160)))
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("model", ["unknown", "", "../measured/x", "a/b", "A", "x" * 300])
def test_other_models_have_none(model: str) -> None:
    assert builtin_projection(model) is None
