import csv
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch", reason="PyTorch is installed only where soundalike-1 is trained")

from soundalike.extractor.models import soundalike_1  # noqa: E402
from soundalike.research.training import musicnn, pipeline, trial  # noqa: E402
from soundalike.research.training.musicnn import POOLED, TeacherFeatures  # noqa: E402
from soundalike.research.training.recipes import CANDIDATES, PROJECTION_ONLY  # noqa: E402

RATE = 16_000


class FakeTeacher:
    """A teacher that hears the mean of every band."""

    def __init__(self, _variables: object) -> None:
        pass

    def __call__(self, patches: np.ndarray) -> TeacherFeatures:
        bands = patches.mean(axis=1)
        return TeacherFeatures(
            np.resize(bands, (POOLED, len(bands))).T.copy(), np.zeros((len(patches), 50), np.float32)
        )


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Four albums of three tracks."""
    folder, random, rows = tmp_path / "music", np.random.default_rng(0), []
    folder.mkdir()
    time = np.arange(12 * RATE) / RATE
    for album in "abcd":
        for track in range(3):
            pitch = 200.0 * (1 + "abcd".index(album)) + 7.0 * track
            sound = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.02 * random.standard_normal(len(time))
            file = folder / f"{album}{track}.wav"
            soundfile.write(file, sound, RATE)
            rows.append([file.name, album, hashlib.sha256(file.read_bytes()).hexdigest()])
    with (folder / "tracks.csv").open("w", newline="") as table:
        csv.writer(table).writerows([["path", "album", "sha256"], *rows])
    return folder


def test_two_runs_give_the_same_network_and_the_same_numbers(
    music: Path, tmp_path: Path, make_network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, fixed = make_network(1)
    quick = tuple(replace(one, steps=2, batch=8) for one in (CANDIDATES[0], CANDIDATES[1], CANDIDATES[-1]))
    monkeypatch.setattr(musicnn, "find_checkpoint", Path)
    monkeypatch.setattr(musicnn, "read_variables", lambda _: {})
    monkeypatch.setattr(musicnn, "Musicnn", FakeTeacher)
    monkeypatch.setattr(pipeline.statistics, "load_builtin", lambda _: fixed)
    monkeypatch.setattr(pipeline, "PLAIN_CROPS", 1)
    monkeypatch.setattr(pipeline, "AUGMENTED_CROPS", 1)
    monkeypatch.setattr(pipeline, "CANDIDATES", quick)
    monkeypatch.setattr(trial, "PROJECTION_ONLY", replace(PROJECTION_ONLY, steps=2, batch=8))

    def run(work: Path) -> pipeline.TrainingResult:
        prepared = pipeline.prepare(music, work, weights, 8, lambda _: None)
        return pipeline.train(prepared, weights, lambda _: None)

    one, other = run(tmp_path / "one"), run(tmp_path / "other")
    assert one.weights_file == other.weights_file
    assert one.validations == other.validations
    for name, results in one.precisions.of.items():
        np.testing.assert_array_equal(results, other.precisions.of[name])
    np.testing.assert_array_equal(one.projection.components, other.projection.components)
    assert soundalike_1.parse(one.weights_file).weights.tags is not None
    # What was prepared is found again.
    assert run(tmp_path / "one").weights_file == one.weights_file
