import io
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.extractor.models import soundalike_1  # noqa: E402
from soundalike.extractor.network import Network  # noqa: E402
from soundalike.extractor.spectrogram import decibels  # noqa: E402
from soundalike.research.training.export import export  # noqa: E402
from soundalike.research.training.spectra import SpectrogramFrontEnd  # noqa: E402
from soundalike.research.training.student import Student  # noqa: E402
from soundalike.research.training.tag_layer import TagLayer, fit_tags  # noqa: E402

NO_TAGS = TagLayer(np.zeros((32, 50), np.float32), np.zeros(50, np.float32), np.full(50, 0.5, np.float32))


def embed(student: Student, samples: np.ndarray) -> np.ndarray:
    front = SpectrogramFrontEnd()
    with torch.no_grad():
        return np.concatenate([student(torch.from_numpy(front.clip(one))[None]).numpy() for one in samples])


def test_the_spectrogram_is_that_of_the_extractor(samples: np.ndarray) -> None:
    ours = np.stack([SpectrogramFrontEnd().clip(one) for one in samples])
    np.testing.assert_allclose(ours, np.stack([decibels(one) for one in samples]), atol=1e-2)


def test_the_student_computes_what_the_extractor_does(samples: np.ndarray, make_network: Any) -> None:
    weights, statistics = make_network(1)
    theirs = Network(weights, statistics)(samples)
    np.testing.assert_allclose(embed(Student.of_choi(weights, statistics), samples), theirs, atol=1e-4)


def test_an_exported_network_is_the_trained_one_in_the_extractor(samples: np.ndarray, make_network: Any) -> None:
    student = Student.of_choi(*make_network(2))
    with torch.no_grad():
        for values in (*student.kernels, *student.shifts):
            values.add_(0.1 * torch.randn(values.shape))
    content = export(student, [SpectrogramFrontEnd().clip(one) for one in samples]).to_bytes(NO_TAGS)
    loaded = soundalike_1.parse(content)
    np.testing.assert_allclose(
        Network(loaded.weights, loaded.statistics)(samples), embed(student, samples), rtol=1e-4, atol=1e-4
    )
    assert len(content) < 1_000_000
    assert loaded.statistics.clips == len(samples)
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "fi" for name in file.files)


def test_the_file_is_the_same_however_often_it_is_written(samples: np.ndarray, make_network: Any) -> None:
    exported = export(Student.of_choi(*make_network(2)), [SpectrogramFrontEnd().clip(samples[0])])
    assert exported.to_bytes(NO_TAGS) == exported.to_bytes(NO_TAGS)


def test_statistics_without_music_are_refused(make_network: Any) -> None:
    with pytest.raises(ValueError, match="at least one"):
        export(Student.of_choi(*make_network(2)), [])


def test_half_of_the_way_lies_between_two_networks(make_network: Any) -> None:
    one, other = Student.of_choi(*make_network(1)), Student.of_choi(*make_network(2))
    half = one.interpolate(other, 0.5)
    for mine, first, last in zip(half.parameters(), one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, (first + last) / 2)
    assert all(
        torch.equal(a, b) for a, b in zip(one.interpolate(other, 0.0).parameters(), one.parameters(), strict=True)
    )


def test_tags_are_learnt_from_what_choi_says_of_the_same_music(make_network: Any) -> None:
    head = make_network(4)[0].tags
    assert head is not None
    choi = np.random.default_rng(0).normal(size=(400, 160)).astype(np.float32)
    # The same music in another network: the last block turned and stretched.
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(32, 32)))[0].astype(np.float32)
    ours = np.concatenate([choi[:, :-32], 3.0 * choi[:, -32:] @ turn + 1.0], axis=1)
    fitted = fit_tags(ours, choi, head, ours)
    expected = 1.0 / (1.0 + np.exp(-(choi[:, -32:] @ head.kernel + head.bias)))
    probabilities = 1.0 / (1.0 + np.exp(-(ours[:, -32:] @ fitted.kernel + fitted.bias)))
    assert np.abs(probabilities - expected).mean() < 0.02
    np.testing.assert_allclose(fitted.mean_probabilities, probabilities.mean(axis=0), atol=1e-5)
