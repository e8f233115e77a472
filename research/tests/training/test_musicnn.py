from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.extractor.tensorflow_backend import tensorflow  # noqa: E402
from soundalike.research.training.errors import TeacherUnavailable  # noqa: E402
from soundalike.research.training.musicnn import MEL_BANDS, PATCH, RATE, Musicnn, log_mel, read_variables  # noqa: E402

WIDTH, MIDDLE = 4, 3
FRONT = {0: (7, 38), 1: (7, 67), 2: (128, 1), 3: (64, 1), 4: (32, 1)}


@pytest.fixture
def variables() -> dict[str, np.ndarray]:
    """The model's variables with few channels, normalisation of both signs."""
    random = np.random.default_rng(0)
    results: dict[str, np.ndarray] = {}

    def name(kind: str, number: int) -> str:
        return f"{kind}_{number}" if number else kind

    def normalisation(number: int, size: int) -> None:
        for part in ("gamma", "beta", "moving_mean"):
            results[f"{name('batch_normalization', number)}/{part}"] = random.normal(size=size).astype(np.float32)
        variance = random.uniform(0.5, 2.0, size=size).astype(np.float32)
        results[f"{name('batch_normalization', number)}/moving_variance"] = variance

    def layer(kind: str, number: int, shape: tuple[int, ...]) -> None:
        scale = np.sqrt(np.prod(shape[:-1]))
        results[f"{name(kind, number)}/kernel"] = (random.normal(size=shape) / scale).astype(np.float32)
        results[f"{name(kind, number)}/bias"] = random.normal(size=shape[-1]).astype(np.float32)

    normalisation(0, 1)
    for number, size in FRONT.items():
        layer("conv2d", number, (*size, 1, WIDTH))
        normalisation(number + 1, WIDTH)
    layer("conv2d", 5, (7, 5 * WIDTH, 1, MIDDLE))
    layer("conv2d", 6, (7, MIDDLE, 1, MIDDLE))
    layer("conv2d", 7, (7, MIDDLE, 1, MIDDLE))
    for number in (6, 7, 8):
        normalisation(number, MIDDLE)
    features = 5 * WIDTH + 3 * MIDDLE
    normalisation(9, 2 * features)
    layer("dense", 0, (2 * features, 6))
    normalisation(10, 6)
    layer("dense", 1, (6, 50))
    return results


def step_by_step(patches: np.ndarray, variables: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The same network in TensorFlow, in the order in which its paper describes it."""
    tf = tensorflow()

    def get(kind: str, number: int, part: str) -> np.ndarray:
        return variables[f"{kind}_{number}/{part}" if number else f"{kind}/{part}"]

    def normalise(values: Any, number: int) -> Any:
        parts = [
            get("batch_normalization", number, part) for part in ("moving_mean", "moving_variance", "beta", "gamma")
        ]
        return tf.nn.batch_normalization(values, *parts, 1e-3)

    def convolve(values: Any, number: int, padding: str) -> Any:
        return tf.nn.relu(
            tf.nn.conv2d(values, get("conv2d", number, "kernel"), 1, padding) + get("conv2d", number, "bias")
        )

    def ahead(values: Any) -> Any:
        return tf.pad(values, [[0, 0], [3, 3], [0, 0], [0, 0]])

    inputs = normalise(patches[..., np.newaxis], 0)
    front = [
        tf.reduce_max(normalise(convolve(ahead(inputs), number, "VALID"), number + 1), axis=2) for number in (0, 1)
    ]
    front += [tf.reduce_max(normalise(convolve(inputs, number, "SAME"), number + 1), axis=2) for number in (2, 3, 4)]
    features = [tf.concat(front, axis=2)]
    for number in (5, 6, 7):
        values = normalise(convolve(ahead(features[-1][..., tf.newaxis]), number, "VALID"), number + 1)[:, :, 0]
        features.append(values if number == 5 else values + features[-1])
    everything = tf.concat(features, axis=2)
    mean, largest = tf.reduce_mean(everything, axis=1), tf.reduce_max(everything, axis=1)
    flat = normalise(tf.reshape(tf.stack([largest, mean], axis=2), [len(patches), -1]), 9)
    hidden = normalise(tf.nn.relu(flat @ get("dense", 0, "kernel") + get("dense", 0, "bias")), 10)
    return mean.numpy(), (hidden @ get("dense", 1, "kernel") + get("dense", 1, "bias")).numpy()


def test_the_forward_pass_is_that_of_the_paper(variables: dict[str, np.ndarray]) -> None:
    patches = np.random.default_rng(1).normal(size=(3, PATCH, MEL_BANDS)).astype(np.float32)
    records, (mean, tags) = Musicnn(variables)(patches), step_by_step(patches, variables)
    np.testing.assert_allclose(records.mean_pool, mean, atol=1e-4)
    np.testing.assert_allclose(records.tags, tags, atol=1e-4)


def test_the_spectrogram_is_librosas() -> None:
    from librosa.feature import melspectrogram

    sound = np.random.default_rng(2).normal(size=3 * RATE).astype(np.float32)
    expected = melspectrogram(y=sound, sr=RATE, hop_length=256, n_fft=512, n_mels=96).T
    np.testing.assert_allclose(log_mel(sound), np.log10(1.0 + 10_000.0 * expected), atol=1e-3)


def test_a_folder_without_the_model_is_refused(tmp_path: Any) -> None:
    with pytest.raises(TeacherUnavailable, match="holds no TensorFlow checkpoint"):
        read_variables(tmp_path)
