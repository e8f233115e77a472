from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from soundalike.extractor import graph, graph_builder
from soundalike.extractor.architecture import CHANNELS, LAYERS, SAMPLES, kernel_shape
from soundalike.extractor.batch_norm_folding import fold_batch_norm
from soundalike.extractor.models import soundalike_1
from soundalike.extractor.network import Network
from soundalike.extractor.spectrogram import decibels
from soundalike.extractor.statistics import load_builtin
from soundalike.extractor.tensorflow_network import ReferenceNetwork
from soundalike.extractor.weights import parse

from .signals import REFERENCE, needs_reference, random_network, reference_signals

if TYPE_CHECKING:
    from pathlib import Path

    from soundalike.extractor.statistics import Statistics
    from soundalike.extractor.weights import Weights


@pytest.fixture(scope="module")
def random_parts() -> tuple[Weights, Statistics]:
    return random_network()


@pytest.fixture(scope="module")
def weights(random_parts: tuple[Weights, Statistics]) -> Weights:
    return random_parts[0]


@pytest.fixture(scope="module")
def statistics(random_parts: tuple[Weights, Statistics]) -> Statistics:
    return random_parts[1]


@pytest.fixture(scope="module")
def signals() -> np.ndarray:
    return np.stack(list(reference_signals().values()))


def test_with_fixed_statistics_it_gives_the_vectors_of_tensorflow(
    weights: Weights, statistics: Statistics, signals: np.ndarray
) -> None:
    expected = ReferenceNetwork(weights, statistics)(signals)
    np.testing.assert_allclose(Network(weights, statistics)(signals), expected, atol=1e-3)


def test_our_own_network_gives_the_vectors_of_tensorflow(signals: np.ndarray) -> None:
    own = soundalike_1.load_builtin()
    expected = ReferenceNetwork(own.weights, own.statistics)(signals)
    np.testing.assert_allclose(Network(own.weights, own.statistics)(signals), expected, atol=1e-3)


def test_with_statistics_of_the_clip_it_gives_the_vectors_of_tensorflow(weights: Weights) -> None:
    noise = np.random.default_rng(0).standard_normal((2, SAMPLES)).astype(np.float32)
    np.testing.assert_allclose(Network(weights, None)(noise), ReferenceNetwork(weights, None)(noise), atol=1e-3)


@needs_reference
def test_with_the_published_weights_it_agrees_with_an_exact_computation(published_weights: Path) -> None:
    network = Network(parse(published_weights.read_bytes()), None)
    with np.load(REFERENCE / "reference.npz") as reference:
        for row in (0, 2, 4):
            vector = network(reference[f"pcm12k_{row:02d}"][np.newaxis, :SAMPLES])[0]
            np.testing.assert_allclose(vector, reference["clip_numpy64"][row], atol=1e-4)


@needs_reference
def test_with_the_published_weights_and_our_statistics_it_gives_the_vectors_of_tensorflow(
    published_weights: Path,
) -> None:
    published = parse(published_weights.read_bytes())
    with np.load(REFERENCE / "reference.npz") as reference:
        clips = np.stack([reference[f"pcm12k_{row:02d}"][:SAMPLES] for row in (0, 2, 4)])
    expected = ReferenceNetwork(published, load_builtin(published))(clips)
    np.testing.assert_allclose(Network(published, load_builtin(published))(clips), expected, atol=1e-3)


@pytest.mark.parametrize("fixed", [True, False])
def test_samples_that_are_not_finite_give_no_ordinary_vector(
    weights: Weights, statistics: Statistics, fixed: bool
) -> None:
    network = Network(weights, statistics if fixed else None)
    clips = np.random.default_rng(0).standard_normal((2, SAMPLES)).astype(np.float32)
    clips[0, 5] = np.nan
    broken, sound = network(clips)
    assert np.isnan(broken).all()
    assert np.isfinite(sound).all()


def test_threads_do_not_disturb_each_other(weights: Weights, statistics: Statistics, signals: np.ndarray) -> None:
    network = Network(weights, statistics)
    expected = network(signals)
    with ThreadPoolExecutor(3) as threads:
        for vectors in threads.map(network, [signals] * 6):
            np.testing.assert_array_equal(vectors, expected)


def test_extraction_loads_no_tensorflow_and_writes_nothing() -> None:
    program = """
import sys
import numpy
import soundalike.extractor.cli
from soundalike.extractor.models.registry import ModelChoice, load_model
load_model(ModelChoice()).embed([numpy.ones(348000, numpy.float32)])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "librosa", "h5py", "scipy"} & set(done.stdout.split())
    assert done.stderr == ""


def test_the_graph_of_this_package_is_the_one_that_tensorflow_builds(
    weights: Weights, statistics: Statistics, signals: np.ndarray
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    both = [fold_batch_norm(*each) for each in zip(weights.layers, statistics.mean, statistics.variance, strict=True)]
    anew = graph.replace_constants(
        graph_builder.build(by_own_statistics=False), [kernel for kernel, _ in both], [bias for _, bias in both]
    )
    interpreter = Interpreter(model_content=anew, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], decibels(signals[0])[np.newaxis, :, :, np.newaxis]
    )
    interpreter.invoke()
    vector = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(Network(weights, statistics)(signals[:1]), vector, atol=1e-5)


def test_constants_of_another_network_are_refused(weights: Weights, statistics: Statistics) -> None:
    ours = graph.graph_for_weights(weights, statistics)
    biases = [np.zeros(CHANNELS, np.float32)] * LAYERS
    with pytest.raises(ValueError, match="shape"):
        graph.replace_constants(ours, [np.zeros((3, 3, 1, CHANNELS), np.float32)] * LAYERS, biases)
    kernels = [np.zeros(kernel_shape(number), np.float32) for number in range(LAYERS)]
    with pytest.raises(ValueError, match="MUL"):
        graph.replace_constants(ours, kernels, biases, biases, biases)
