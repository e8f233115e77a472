from __future__ import annotations

import numpy as np
import pytest

from soundalike.extractor.architecture import BN_EPSILON, LAYERS, POOLS, SAMPLES
from soundalike.extractor.spectrogram import decibels
from soundalike.extractor.statistics_fit import measure
from soundalike.extractor.tensorflow_backend import tensorflow
from soundalike.extractor.tensorflow_network import ReferenceNetwork, clip_block, fixed_block
from soundalike.extractor.weights import Layer

from .signals import cosine, random_network

RNG = np.random.default_rng(7)


def some_layer(inputs: int) -> Layer:
    def normal(*shape: int) -> np.ndarray:
        return RNG.standard_normal(shape).astype(np.float32)

    return Layer(kernel=normal(3, 3, inputs, 32), bias=normal(32), gamma=normal(32), beta=normal(32))


def by_definition(
    activation: np.ndarray, layer: Layer, pool: tuple[int, int], mean: np.ndarray, var: np.ndarray
) -> np.ndarray:
    """Convolution, normalisation, ELU, pooling one after the other in float64, by their definitions."""
    n, height, width, _ = activation.shape
    padded = np.pad(activation.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    convolved = sum(
        np.einsum("nhwi,io->nhwo", padded[:, y : y + height, x : x + width], layer.kernel[y, x].astype(np.float64))
        for y in range(3)
        for x in range(3)
    )
    z = layer.gamma * (convolved + layer.bias - mean) / np.sqrt(var + BN_EPSILON) + layer.beta
    elu = np.where(z > 0, z, np.expm1(np.minimum(z, 0)))
    rows, columns = height // pool[0], width // pool[1]
    cut = elu[:, : rows * pool[0], : columns * pool[1]]
    return cut.reshape(n, rows, pool[0], columns, pool[1], 32).max(axis=(2, 4))


def test_folding_and_pooling_early_changes_nothing_even_where_the_scale_is_negative() -> None:
    layer = some_layer(4)
    assert (layer.gamma < 0).any()
    activation = RNG.standard_normal((2, 13, 22, 4)).astype(np.float32)
    mean, var = RNG.standard_normal(32).astype(np.float32), RNG.uniform(0.5, 20, 32).astype(np.float32)
    folded = fixed_block(activation, layer, (3, 4), mean, var).numpy()
    np.testing.assert_allclose(folded, by_definition(activation, layer, (3, 4), mean, var), atol=1e-4)


def test_a_clip_is_normalised_by_its_own_mean_and_population_variance() -> None:
    layer = some_layer(4)
    activation = RNG.standard_normal((1, 12, 20, 4)).astype(np.float32)
    tf = tensorflow()
    convolved = tf.nn.conv2d(activation, layer.kernel, 1, "SAME").numpy()[0].reshape(-1, 32) + layer.bias
    expected = by_definition(activation, layer, (2, 4), convolved.mean(axis=0), convolved.var(axis=0))
    np.testing.assert_allclose(clip_block(activation, layer, (2, 4)).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("fixed", [True, False])
def test_a_vector_does_not_depend_on_its_neighbours(fixed: bool) -> None:
    weights, statistics = random_network()
    network = ReferenceNetwork(weights, statistics if fixed else None)
    clips = (RNG.standard_normal((3, SAMPLES)) * np.array([[0.1], [0.001], [0.5]])).astype(np.float32)
    together = network(clips)
    assert together.shape == (3, 160)
    assert together.dtype == np.float32
    for clip, vector in zip(clips, together, strict=True):
        np.testing.assert_allclose(network(clip[np.newaxis])[0], vector, atol=2e-3)


def test_five_poolings_leave_one_position() -> None:
    height, width = 96, 1360
    for rows, columns in POOLS:
        height, width = height // rows, width // columns
    assert (height, width) == (1, 1)


def test_gain_does_not_move_a_vector() -> None:
    network = ReferenceNetwork(*random_network())
    clip = (0.1 * RNG.standard_normal((1, SAMPLES))).astype(np.float32)
    assert cosine(network(clip)[0], network(clip * np.float32(0.1))[0]) > 0.999_999


def test_measured_statistics_are_those_of_all_positions_of_all_clips() -> None:
    weights, _ = random_network(3)
    clips = [(RNG.standard_normal(SAMPLES) * level).astype(np.float32) for level in (0.1, 0.2)]
    clips.append(np.sin(np.arange(SAMPLES) / 7).astype(np.float32))
    stages: list[str] = []
    measured = measure(iter(clips), weights, corpus="three signals", command="none", advance=stages.append)
    assert measured.clips == 3
    assert (measured.corpus, measured.weights_sha256) == ("three signals", weights.sha256)
    assert len(stages) == 3 * (LAYERS + 1)
    assert measured.mean.shape == measured.variance.shape == (5, 32)

    # Plainly: every layer over the three clips as one batch, whose own moments must be what was measured.
    tf = tensorflow()
    activation = np.stack([decibels(clip) for clip in clips])[..., np.newaxis]
    for number, layer in enumerate(weights.layers):
        convolved = tf.nn.bias_add(tf.nn.conv2d(activation, layer.kernel, 1, "SAME"), layer.bias).numpy()
        flat = convolved.reshape(-1, 32).astype(np.float64)
        np.testing.assert_allclose(measured.mean[number], flat.mean(axis=0), rtol=2e-3, atol=2e-2)
        np.testing.assert_allclose(measured.variance[number], flat.var(axis=0), rtol=5e-3, atol=1e-2)
        activation = fixed_block(activation, layer, POOLS[number], measured.mean[number], measured.variance[number])


def test_measuring_no_clip_is_an_error() -> None:
    with pytest.raises(ValueError, match="no clip"):
        measure(iter(()), random_network()[0], corpus="", command="")
