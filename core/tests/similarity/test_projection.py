from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from soundalike.similarity.errors import InvalidProjection, InvalidVectors
from soundalike.similarity.projection import Projection


@pytest.fixture
def projection() -> Projection:
    rng = np.random.default_rng(3)
    rotation = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    return Projection(
        mean=rng.normal(size=12),
        scale=rng.uniform(0.5, 2.0, size=12),
        components=rotation[:7],
        eigenvalues=np.geomspace(4.0, 0.01, 7),
        exponent=0.25,
    )


def test_applies_what_its_docstring_says(projection: Projection) -> None:
    vectors = np.random.default_rng(4).normal(size=(50, 12)).astype(np.float32)
    expected = []
    for vector in vectors:
        standardised = (vector - projection.mean) / projection.scale
        coordinates = np.array([axis @ standardised for axis in projection.components])
        coordinates /= np.sqrt(np.sqrt(projection.eigenvalues))
        expected.append(coordinates / np.sqrt((coordinates**2).sum()))
    projected = projection.apply(vectors)
    assert projected.dtype == np.float32
    assert projected.shape == (50, projection.dimensions) == (50, 7)
    np.testing.assert_allclose(projected, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1.0, atol=1e-6)


def test_projects_many_rows_like_each_alone(projection: Projection) -> None:
    vectors = np.random.default_rng(5).normal(size=(16_384 + 3, 12)).astype(np.float32)
    together = projection.apply(vectors)
    for row in (0, 16_383, 16_384, 16_386):
        np.testing.assert_allclose(together[row], projection.apply(vectors[row : row + 1])[0], atol=1e-6)


def test_no_rows_stay_no_rows(projection: Projection) -> None:
    assert projection.apply(np.empty((0, 12), np.float32)).shape == (0, 7)


def test_a_vector_without_direction_becomes_zeros(projection: Projection) -> None:
    assert not projection.apply(projection.mean[np.newaxis]).any()
    assert not Projection.identity(4).apply(np.zeros((1, 4))).any()


def test_identity_only_scales_to_unit_length() -> None:
    projected = Projection.identity(2).apply(np.array([[3.0, 4.0]], np.float32))
    np.testing.assert_allclose(projected, [[0.6, 0.8]], atol=1e-7)


@pytest.mark.parametrize("vectors", [np.zeros(12), np.zeros((3, 11)), np.zeros((1, 3, 12))])
def test_refuses_vectors_of_another_shape(projection: Projection, vectors: np.ndarray) -> None:
    with pytest.raises(InvalidVectors, match=r"expected vectors \[n, 12\]"):
        projection.apply(vectors)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_vectors_that_are_not_finite(projection: Projection, value: float) -> None:
    vectors = np.zeros((2, 12), np.float32)
    vectors[1, 5] = value
    with pytest.raises(InvalidVectors, match="not finite"):
        projection.apply(vectors)


def test_survives_a_round_trip_exactly(projection: Projection, tmp_path: Path) -> None:
    path = tmp_path / "projection.npz"
    projection.save(path)
    again = Projection.load(path)
    vectors = np.random.default_rng(6).normal(size=(5, 12))
    np.testing.assert_array_equal(again.apply(vectors), projection.apply(vectors))
    assert again.exponent == projection.exponent
    assert again.to_bytes() == projection.to_bytes()


def test_cannot_be_changed_afterwards(projection: Projection) -> None:
    with pytest.raises(ValueError, match="read-only"):
        projection.mean[0] = 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros(11)}, "do not fit together"),
        ({"scale": np.ones(13)}, "do not fit together"),
        ({"eigenvalues": np.ones(6)}, "do not fit together"),
        ({"mean": np.zeros((12, 1))}, "do not fit together|must be"),
        ({"components": np.zeros((0, 12))}, "must be"),
        ({"scale": np.zeros(12)}, "greater than zero"),
        ({"eigenvalues": -np.ones(7)}, "greater than zero"),
        ({"mean": np.full(12, np.nan)}, "mean holds values that are not finite"),
        ({"mean": np.full(12, "x")}, "mean must hold numbers"),
        ({"exponent": 2.0}, "exponent"),
        ({"exponent": float("nan")}, "exponent"),
    ],
)
def test_refuses_arrays_that_do_not_fit(projection: Projection, change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidProjection, match=message):
        replace(projection, **change)


def test_refuses_files_that_are_no_projection(projection: Projection) -> None:
    whole = projection.to_bytes()
    for content in (b"", b"not a zip file", whole[: len(whole) // 2], whole[:-1]):
        with pytest.raises(InvalidProjection, match="not a projection file"):
            Projection.from_bytes(content)


def test_refuses_a_pickle_in_a_projection_file(projection: Projection) -> None:
    buffer = BytesIO()
    np.savez(buffer, mean=np.array([object()], dtype=object))
    with pytest.raises(InvalidProjection, match="not a projection file"):
        Projection.from_bytes(buffer.getvalue())


def test_refuses_a_newer_format(projection: Projection) -> None:
    with np.load(BytesIO(projection.to_bytes())) as archive:
        arrays = dict(archive)
    buffer = BytesIO()
    np.savez(buffer, **{**arrays, "format": np.int64(2)})
    with pytest.raises(InvalidProjection, match="update the program"):
        Projection.from_bytes(buffer.getvalue())
