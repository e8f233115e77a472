"""Baselines whose weights are not part of the project: found in a folder, checked, and used where they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from soundalike.audio.excerpt_rule import DEFAULT_RULE, ExcerptRule
from soundalike.extractor.model import PREPROCESSING
from soundalike.research.evaluation.errors import InvalidModel
from soundalike.research.evaluation.extractors import id_by
from soundalike.research.evaluation.teacher_networks import RATE, FullyConvolutional, Musicnn, Yamnet
from soundalike.research.evaluation.training_overlap import AUDIO_SET, JAMENDO, MILLION_SONGS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Teacher:
    """A file of weights, what it must be, what it is, what it learnt from, and what makes a network of it."""

    name: str
    file: str
    sha256: str
    description: str
    learnt_from: frozenset[str]
    make: Callable[[bytes], Network]

    def load(self, folder: Path) -> TeacherVector:
        """Read the file; raises `InvalidModel` where it is another."""
        try:
            content = (folder / self.file).read_bytes()
        except OSError as error:
            raise InvalidModel(f"{self.name}: {self.file} cannot be read ({error.strerror})") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise InvalidModel(f"{self.name}: {self.file} has the SHA-256 {found[:16]}…, not {self.sha256[:16]}…")
        return TeacherVector(f"{self.name}-{self.sha256[:8]}-1-{PREPROCESSING}", self.make(content))


class TeacherVector:
    """The mean of a network's vectors of the excerpts, each weighted by its length."""

    rate: Final = RATE

    def __init__(self, name: str, network: Network, rule: ExcerptRule = DEFAULT_RULE) -> None:
        self._name, self._network, self.rule = name, network, rule
        self.id = id_by(rule, name)

    def by(self, rule: ExcerptRule) -> TeacherVector:
        """Return the same network for other excerpts."""
        return TeacherVector(self._name, self._network, rule)

    def __call__(self, excerpts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32 [d]."""
        vectors = [self._network(samples) for samples in excerpts]
        return np.asarray(np.average(vectors, axis=0, weights=[len(one) for one in excerpts]), dtype=np.float32)


TEACHERS: Final = (
    Teacher(
        "jamendo-fcn",
        "jamendo-fcn.pth",
        "7bce08a66dbc70d096b0a330f44b4cacd9aa25519b83489fbb98f2164a194e2b",
        "FCN trained on MTG-Jamendo, means and deviations of five blocks",
        frozenset({JAMENDO}),
        FullyConvolutional,
    ),
    Teacher(
        "msd-fcn",
        "msd-fcn.pth",
        "6012aa7eecf864a8081faedca56af054521e8dfb9c5c98659a3dd5d3e1e66f21",
        "FCN trained on the Million Song Dataset, means and deviations of five blocks",
        frozenset({MILLION_SONGS}),
        FullyConvolutional,
    ),
    Teacher(
        "jamendo-musicnn",
        "jamendo-musicnn.pth",
        "66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
        "musicnn trained on MTG-Jamendo, maxima of its features",
        frozenset({JAMENDO}),
        Musicnn,
    ),
    Teacher(
        "yamnet",
        "yamnet.tflite",
        "469be6a3421cbc52cf97e9f2f966cba984198e8e7af9854d68b3e3ebb1e04194",
        "YAMNet trained on AudioSet, mean",
        frozenset({AUDIO_SET}),
        Yamnet,
    ),
)

OTHERS: Final = {"msd-musicnn": "its weights are in the wheel musicnn, which only the training environment has"}
"""Baselines of the field that this command cannot judge, and why."""


def missing(folder: Path | None) -> list[str]:
    """Return the names of the baselines that are not judged, each with the reason."""
    if folder is None:
        return [f"{one.name} (no folder of weights was named)" for one in TEACHERS]
    absent = [f"{one.name} ({one.file} is not there)" for one in TEACHERS if not (folder / one.file).is_file()]
    return [*absent, *(f"{name} ({reason})" for name, reason in OTHERS.items())]
