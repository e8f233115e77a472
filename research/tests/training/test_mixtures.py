from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.research.training.mixtures import make_hybrids  # noqa: E402
from soundalike.research.training.musicnn import PATCH, POOLED, TeacherFeatures  # noqa: E402
from soundalike.research.training.spectra import CorpusSpectra  # noqa: E402
from soundalike.research.training.student import Student  # noqa: E402

SECONDS = 10


class Deaf:
    """A teacher that notes what it was given."""

    def __init__(self) -> None:
        self.patches: list[np.ndarray] = []

    def __call__(self, patches: np.ndarray) -> TeacherFeatures:
        self.patches.append(patches)
        return TeacherFeatures(
            np.full((len(patches), POOLED), patches.mean(), np.float32), np.zeros((len(patches), 50), np.float32)
        )


@pytest.fixture
def studied() -> CorpusSpectra:
    random = np.random.default_rng(0)
    length = SECONDS * 16_000
    nothing = np.zeros((0,), np.float16)
    return CorpusSpectra(
        path=np.array(list("abcd")),
        album=np.array(list("abcd")),
        frames=np.zeros(4, np.int64),
        patches=np.zeros(4, np.int64),
        samples=np.full(4, length),
        levels=nothing,
        clip=nothing,
        teacher=nothing,
        sound=(3000 * random.normal(size=4 * length)).clip(-32000, 32000).astype(np.int16),
    )


def test_a_hybrid_depends_on_its_number_and_the_seed_alone(studied: CorpusSpectra, make_network: Any) -> None:
    student, part = Student.of_choi(*make_network(1)), np.array([0, 0, 1, 1])
    many = make_hybrids(studied, part, student, Deaf(), range(4), seed=3)  # type: ignore[arg-type]
    some = make_hybrids(studied, part, student, Deaf(), range(2, 4), seed=3)  # type: ignore[arg-type]
    other = make_hybrids(studied, part, student, Deaf(), range(2), seed=4)  # type: ignore[arg-type]
    np.testing.assert_array_equal(many.part, [0, 1, 0, 1])
    np.testing.assert_array_equal(many.values[2:], some.values)
    np.testing.assert_array_equal(many.early[2:], some.early)
    assert not np.array_equal(many.early[:2], other.early)


def test_music_of_one_part_never_gets_into_hybrids_of_another(studied: CorpusSpectra, make_network: Any) -> None:
    student, part, teacher = Student.of_choi(*make_network(1)), np.array([0, 0, 1, 1]), Deaf()
    half = len(studied.sound) // 2
    silenced = studied.sound.copy()
    silenced[half:] = 0
    quiet = CorpusSpectra(
        **{name: getattr(studied, name) for name in CorpusSpectra.__dataclass_fields__ if name != "sound"},
        sound=silenced,
    )
    make_hybrids(quiet, part, student, teacher, range(6), seed=3)  # type: ignore[arg-type]
    assert [bool(patches.any()) for patches in teacher.patches] == [True, False] * 3
    assert all(patches.shape == (5, PATCH, 96) for patches in teacher.patches)
